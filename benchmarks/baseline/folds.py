"""Which clips are fitted on and which are scored."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from data_pipeline.errors import UserError

_HELD_OUT = ("validation", "test")

SPLITS = (*_HELD_OUT, "cross-validation", "leave-one-speaker-out")

_FOLDS = 5

INNER_FOLDS = 2
"""Number of folds of a fitting set, for settings and the ensemble. A third fold would take half the time again."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of a table to fit on and rows to score. No speaker is in both."""

    name: str
    fitted: np.ndarray
    scored: np.ndarray


def folds(split: str, splits: np.ndarray, speakers: np.ndarray, truth: np.ndarray, seed: int) -> list[Fold]:
    """The folds of a way of splitting.

    Args:
        split: One of `SPLITS`. `validation` and `test` score that split and fit on the training split,
            `cross-validation` leaves out the test split, `leave-one-speaker-out` scores each speaker in turn.
        splits: strings [clips], the split of the dataset that each clip is in.
        speakers: strings [clips].
        truth: int [clips], index of the right class.
        seed: Seed of the cross-validation.

    Raises:
        UserError: If the dataset lacks what the way of splitting needs.
    """
    check_split(split, np.unique(splits))
    if split in _HELD_OUT:
        return [Fold(split, np.flatnonzero(splits == "train"), np.flatnonzero(splits == split))]
    rows = fitting_rows(split, splits)
    names = np.unique(speakers[rows])
    if len(names) < 2:
        raise UserError(f"--split {split}: the dataset has fewer than two speakers for it, so prepare one with more")
    if split == "leave-one-speaker-out":
        return [Fold(str(name), np.flatnonzero(speakers != name), np.flatnonzero(speakers == name)) for name in names]
    grouped = _grouped(_FOLDS, truth[rows], speakers[rows], seed)
    return [Fold(str(number), rows[fitted], rows[scored]) for number, (fitted, scored) in enumerate(grouped, 1)]


def check_split(split: str, splits: Collection[str]) -> None:
    """Check what can be known before any feature is extracted.

    Args:
        split: See `folds`.
        splits: Splits of the dataset.

    Raises:
        UserError: If there is no such way of splitting, or it needs a split that the dataset lacks.
    """
    if split not in SPLITS:
        raise UserError(f"--split {split}: choose one of {', '.join(SPLITS)}")
    missing = [name for name in ("train", split) if name not in splits]
    if split in _HELD_OUT and missing:
        raise UserError(f"--split {split}: the dataset has no {missing[0]} split, so use cross-validation")


def fitting_rows(split: str, splits: np.ndarray) -> np.ndarray:
    """Rows that classifiers are fitted on in any fold; int [rows]. See `folds` for the arguments."""
    if split in _HELD_OUT:
        return np.flatnonzero(splits == "train")
    return np.flatnonzero(splits != "test") if split == "cross-validation" else np.arange(len(splits))


def inner_folds(truth: np.ndarray, speakers: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of a fitting set by speaker, rows to fit on and rows to predict; none if there is only one speaker."""
    return _grouped(INNER_FOLDS, truth, speakers, seed) if len(np.unique(speakers)) > 1 else []


def _grouped(count: int, truth: np.ndarray, speakers: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold

    count = min(count, len(np.unique(speakers)))
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(truth)), truth, speakers))
