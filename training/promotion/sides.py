"""Who trains a challenger, and who stays apart to measure it and its champion."""

from collections.abc import Collection, Sequence

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.splits import SplitName
from training.run.folder import Run


def sides_of_speakers(champion: Run, parts: Sequence[Dataset], frozen: Collection[str]) -> dict[str, SplitName]:
    """The side of every speaker of several datasets.

    Speakers whom the champion knows stay where they were when it was trained, so that it is not measured on them. Of
    the others, those measure who are frozen, or on the test side of one of the datasets; the rest are where the first
    dataset that has them puts them.

    Args:
        champion: The run that is to be beaten.
        parts: The datasets, the oldest first.
        frozen: Speakers (`corpus/speaker`) that earlier decisions were measured on: they never train.

    Raises:
        UserError: If a dataset is not split by speaker, or nobody is left to measure on.
    """
    known: dict[str, SplitName] = dict.fromkeys(champion.config["data"]["speakers"]["validation"], "validation")
    known |= dict.fromkeys(champion.config["data"]["speakers"]["train"], "train")
    sides: dict[str, SplitName] = {}
    for part in parts:
        if part.split_kind == "random":
            raise UserError(f"{part.folder} is split clip by clip, so that nobody is unheard: prepare it by speaker")
        for side, split in part.splits.items():
            for speaker in split.speakers:
                if speaker in known:
                    sides[speaker] = known[speaker]
                elif speaker in frozen or side == "test":
                    sides[speaker] = "test"
                elif speaker not in sides:
                    sides[speaker] = "train" if side == "train" else "validation"
    if "test" not in sides.values():
        raise UserError(
            f"{', '.join(str(part.folder) for part in parts)}: no speaker is on a test side and unknown to the "
            "champion, so that there is nobody to measure on: prepare data with a test side"
        )
    return sides
