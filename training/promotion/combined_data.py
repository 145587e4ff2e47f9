"""Old and new data as one dataset, with every speaker in a split that keeps the measurement fair."""

from collections.abc import Collection, Sequence
from pathlib import Path

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.prepare.combine import combine
from data_pipeline.splits import SplitName
from training.promotion.challenger import PromotionTest
from training.run.folder import Run


def combine_data(test: PromotionTest, folder: Path) -> Dataset:
    """Write old and new data as one dataset.

    Args:
        test: With the data.
        folder: Made if it is missing; may hold the same dataset from an earlier call.

    Raises:
        UserError: See `splits_of_speakers` and `combine.combine`.
    """
    parts = (*test.old, *test.new)
    return combine(parts, folder, splits_of_speakers(test.champion, parts, test.measured_speakers))


def splits_of_speakers(champion: Run, parts: Sequence[Dataset], measured: Collection[str]) -> dict[str, SplitName]:
    """The split of every speaker of several datasets.

    Speakers that the champion was trained or validated on stay in that split, so that it is not measured on them. Of
    the other speakers, those who measured before and those in the test split of a dataset measure; the rest stay in the
    split of the first dataset that has them.

    Args:
        champion: The run that is to be beaten.
        parts: The datasets, the oldest first.
        measured: Speakers (`corpus/speaker`) that earlier decisions were measured on. They never train.

    Raises:
        UserError: If a dataset is not split by speaker, or no speaker is left to measure on.
    """
    known: dict[str, SplitName] = dict.fromkeys(champion.config["data"]["speakers"]["validation"], "validation")
    known |= dict.fromkeys(champion.config["data"]["speakers"]["train"], "train")
    splits: dict[str, SplitName] = {}
    for part in parts:
        if part.split_kind == "random":
            raise UserError(
                f"{part.folder} is split clip by clip, so every speaker may be in the training split: prepare it by "
                "speaker"
            )
        for name, split in part.splits.items():
            for speaker in split.speakers:
                if speaker in known:
                    splits[speaker] = known[speaker]
                elif speaker in measured or name == "test":
                    splits[speaker] = "test"
                elif speaker not in splits:
                    splits[speaker] = "train" if name == "train" else "validation"
    if "test" not in splits.values():
        raise UserError(
            f"{', '.join(str(part.folder) for part in parts)}: no speaker is in a test split and unknown to the "
            "champion, so there is nobody to measure on: prepare data with a test split"
        )
    return splits
