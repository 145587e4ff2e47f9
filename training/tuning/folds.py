"""Cross-validation within the training side of a dataset: nobody of its other sides is heard."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.prepare.combine import combine
from data_pipeline.splits import SplitName, folds_of_speakers
from data_pipeline.targets import Target

Sides = Mapping[str, SplitName]
"""The side of each training speaker in a fold: its own speakers validate, the others train."""


def folds_of(dataset: Dataset, count: int, target: Target) -> list[Sides]:
    """Every training speaker in one fold, each fold with its share of the women and men of every corpus.

    Args:
        dataset: With a side `train`.
        count: How many folds.
        target: Which labels there are.

    Raises:
        UserError: If the dataset is not split by speaker, has fewer training speakers than folds, or a label would
            have no training clip in a fold.
    """
    if dataset.split_kind == "random":
        raise UserError(f"{dataset.folder} is split clip by clip, so that nobody is unheard: prepare it by speaker")
    known = input_pipeline.descriptions(dataset, "train", target)
    kinds = {
        str(speaker): f"{corpus}/{sex}"
        for speaker, corpus, sex in zip(known["speaker"], known["corpus"], known["sex"], strict=True)
    }
    if len(kinds) < count:
        raise UserError(
            f"{count} folds need {count} training speakers, and {dataset.folder} has {len(kinds)}: choose fewer folds"
        )
    fold_of = folds_of_speakers(kinds, count)
    fold_of_clip = np.array([fold_of[str(speaker)] for speaker in known["speaker"]])
    for number, label in itertools.product(range(1, count + 1), range(len(target.labels))):
        if not (known["label"][fold_of_clip != number] == label).any():
            raise UserError(
                f"without fold {number} of {count}, no training clip of {dataset.folder} is labelled "
                f"{target.labels[label]}: choose another number of folds, or leave that label out"
            )
    return [_sides(fold_of, number) for number in range(1, count + 1)]


def write_folds(dataset: Dataset, folder: Path, folds: Sequence[Sides]) -> list[Dataset]:
    """A dataset a fold, of the clips of the training side alone.

    Args:
        dataset: See `folds_of`.
        folder: Where they are written; may hold the same from before.
        folds: The dataset's.

    Raises:
        UserError: If the folder cannot be written.
    """
    return [combine([dataset], folder / f"fold-{number}", sides) for number, sides in enumerate(folds, start=1)]


def unheard(dataset: Dataset, count: int) -> str:
    """Who is heard and who is not, in a sentence.

    Args:
        dataset: See `folds_of`.
        count: Of folds.
    """
    speakers = len(dataset.split("train").speakers)
    others = [side for side in dataset.splits if side != "train"]
    apart = f"; nobody of its {' and '.join(others)} side{'s' * (len(others) > 1)} is" if others else ""
    return f"The {speakers:,} speakers of the training side are heard, in {count} folds{apart}."


def _sides(fold_of: Mapping[str, int], number: int) -> Sides:
    return {speaker: "validation" if fold == number else "train" for speaker, fold in fold_of.items()}
