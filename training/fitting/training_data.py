"""The training data as `config.json` describes them, and the data that cannot be trained on."""

from typing import Any

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target


def describe_training_data(dataset: Dataset, target: Target) -> dict[str, Any]:
    """The field `data` of `config.json`.

    Args:
        dataset: A prepared dataset with the splits `train` and `validation`.
        target: The labels that are learned.

    Raises:
        UserError: If a split is missing, a label has no training clip (the model could never learn it), or votes are to
            be learned and a split has none.
    """
    splits = {name: dataset.split(name) for name in ("train", "validation")}
    emotions = splits["train"].emotions
    missing = [label for label in target.labels if not emotions.get(label)]
    if missing:
        raise UserError(
            f"no training clip of {dataset.folder} is labelled {' or '.join(missing)}: "
            f"name only labels that it has, as in --emotions {','.join(emotions)}"
        )
    return {
        # Absolute, so that the run can be repeated from anywhere.
        "folder": str(dataset.folder.resolve()),
        "fingerprint": dataset.fingerprint,
        "corpora": list(dataset.corpora),
        "split": dataset.split_kind,
        "synthetic": dataset.synthetic,
        "speakers_unknown": dataset.speakers_unknown,
        "clips": {name: target.clips(split) for name, split in splits.items()},
        "outside_labels": {name: target.outside(split) for name, split in splits.items()},
        "without_votes": {name: input_pipeline.without_votes(dataset, name, target) for name in splits},
        "speakers": {name: list(split.speakers) for name, split in splits.items()},
    }
