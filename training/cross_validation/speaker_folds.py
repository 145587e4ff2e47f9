"""Folds of the training speakers of a dataset, and a dataset of each fold.

Cross-validation stays within the `train` split: the speakers of the other splits are in no fold.
"""

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

SpeakerSplits = Mapping[str, SplitName]
"""The split of each training speaker in a fold: the fold's own speakers validate, the others train."""


def speaker_folds(dataset: Dataset, count: int, target: Target) -> list[SpeakerSplits]:
    """Divide the training speakers into folds, each with its share of the women and men of every corpus.

    Args:
        dataset: A dataset with a `train` split.
        count: Number of folds.
        target: The labels that a model learns.

    Raises:
        UserError: If the dataset is not split by speaker, has fewer training speakers than folds, or a label would
            have no training clip in a fold.
    """
    if dataset.split_kind == "random":
        raise UserError(
            f"{dataset.folder} is split clip by clip, so every speaker may be in the training split: prepare it by "
            "speaker"
        )
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
    return [
        {speaker: "validation" if fold == number else "train" for speaker, fold in fold_of.items()}
        for number in range(1, count + 1)
    ]


def fold_numbers(folds: Sequence[SpeakerSplits], speakers: np.ndarray) -> np.ndarray:
    """The fold of each clip.

    Args:
        folds: From `speaker_folds`.
        speakers: strings [clips], the training speaker of each clip.

    Returns:
        int [clips], from 1.
    """
    fold_of = {
        speaker: number
        for number, splits in enumerate(folds, start=1)
        for speaker, split in splits.items()
        if split == "validation"
    }
    return np.array([fold_of[str(speaker)] for speaker in speakers])


def write_fold(dataset: Dataset, fold: SpeakerSplits, folder: Path) -> Dataset:
    """Write the training clips of a dataset as the dataset of one fold.

    Args:
        dataset: See `speaker_folds`.
        fold: One of its folds.
        folder: Made if it is missing; may hold the same dataset from an earlier call.

    Raises:
        UserError: If the folder cannot be written.
    """
    return combine([dataset], folder, fold)


def describe_folds(dataset: Dataset, count: int) -> str:
    """Which speakers are used and which are not, in a sentence.

    Args:
        dataset: See `speaker_folds`.
        count: Number of folds.
    """
    speakers = len(dataset.split("train").speakers)
    others = [split for split in dataset.splits if split != "train"]
    unused = f"; those of its {' and '.join(others)} split{'s' * (len(others) > 1)} are not" if others else ""
    return f"The {speakers:,} speakers of the training split are used, in {count} folds{unused}."
