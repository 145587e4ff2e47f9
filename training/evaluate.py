"""A run's metrics on one side of a prepared dataset."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_pipeline import datasets
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training import metrics
from training.run import Run

BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a run answered.

    Attributes:
        names: Clip names, [clips].
        speakers: Who speaks, [clips].
        truth: int [clips], index of the acted emotion.
        probabilities: float32 [clips, classes].
    """

    names: np.ndarray
    speakers: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray


def predict(run: Run, dataset: Dataset, split: str, on_batch: Callable[[int], None] | None = None) -> Predictions:
    """Answers of a run for every clip of a split, whole clips.

    Args:
        run: A run with weights.
        dataset: Any prepared dataset with the run's labels.
        split: Which side of it.
        on_batch: Called with the number of clips answered since the last call.

    Raises:
        UserError: If the dataset has no such side or other labels.
    """
    if dataset.labels != run.labels:
        raise UserError(
            f"{dataset.folder} has the labels {', '.join(dataset.labels)}, but {run.folder} "
            f"was trained on {', '.join(run.labels)}: prepare the data with the same labels"
        )
    known = datasets.descriptions(dataset, split)
    recogniser = run.recogniser()
    parts = []
    for features, _ in datasets.log_mels(dataset, split, batch_size=BATCH_SIZE, settings=run.front_end):
        parts.append(recogniser.model.predict_on_batch(features))
        if on_batch:
            on_batch(len(parts[-1]))
    return Predictions(known["name"], known["speaker"], known["label"], np.concatenate(parts))


def evaluate(run: Run, dataset: Dataset, split: str, on_batch: Callable[[int], None] | None = None) -> dict:
    """Metrics of a run on a split; see `metrics.evaluate`, with what was evaluated beside them.

    Args:
        run: See `predict`, as for the others.
        dataset: See there.
        split: See there.
        on_batch: See there.

    Returns:
        An object for `metrics.json`: `split`, `split_name` (how the data was split), `corpora`, `fingerprint`,
        `synthetic`, `seen_speakers` (how many were on the run's `train` and `validation` sides), and all
        of `metrics.evaluate`.
    """
    answers = predict(run, dataset, split, on_batch)
    return {
        "split": split,
        "split_name": dataset.split_name,
        "corpora": list(dataset.corpora),
        "fingerprint": dataset.fingerprint,
        "synthetic": dataset.synthetic,
        "seen_speakers": {
            side: len(set(speakers) & set(dataset.side(split).speakers))
            for side, speakers in run.config["data"]["speakers"].items()
        },
        **metrics.evaluate(answers.probabilities, answers.truth, answers.speakers, dataset.labels),
    }
