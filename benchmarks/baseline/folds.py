"""Who is fitted on and who is scored."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from data_pipeline.errors import UserError

_SIDES = ("validation", "test")

SPLITS = (*_SIDES, "cross-validation", "leave-one-speaker-out")

_FOLDS = 5

INNER_FOLDS = 2
"""Of a fitting set, for settings and the ensemble: a third fold would take half the time again."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of a table to fit on and rows to score; no speaker is in both."""

    name: str
    fitted: np.ndarray
    scored: np.ndarray


def folds(split: str, sides: np.ndarray, speakers: np.ndarray, truth: np.ndarray, seed: int) -> list[Fold]:
    """The folds of a split.

    Args:
        split: One of `SPLITS`. `validation` and `test` fit on the training side alone, `cross-validation` leaves out
            the test side, `leave-one-speaker-out` takes all speakers in turn.
        sides: strings [clips].
        speakers: strings [clips].
        truth: int [clips].
        seed: Of the cross-validation.

    Raises:
        UserError: If the dataset has not what the split needs.
    """
    check_split(split, np.unique(sides))
    if split in _SIDES:
        fitted, scored = np.flatnonzero(sides == "train"), np.flatnonzero(sides == split)
        return [Fold(split, fitted, scored)]
    rows = rows_of(split, sides)
    names = np.unique(speakers[rows])
    if len(names) < 2:
        raise UserError(f"--split {split}: the dataset has fewer than two speakers for it, so prepare one with more")
    if split == "leave-one-speaker-out":
        return [Fold(str(name), np.flatnonzero(speakers != name), np.flatnonzero(speakers == name)) for name in names]
    grouped = _grouped(_FOLDS, truth[rows], speakers[rows], seed)
    return [Fold(str(number), rows[fitted], rows[scored]) for number, (fitted, scored) in enumerate(grouped, 1)]


def check_split(split: str, sides: Collection[str]) -> None:
    """Make sure of what can be told before any feature is extracted.

    Args:
        split: See `folds`.
        sides: That the dataset has.

    Raises:
        UserError: If there is no such split, or it needs a side that is not there.
    """
    if split not in SPLITS:
        raise UserError(f"--split {split}: choose one of {', '.join(SPLITS)}")
    missing = [side for side in ("train", split) if side not in sides]
    if split in _SIDES and missing:
        raise UserError(f"--split {split}: the dataset has no {missing[0]} side, so use cross-validation")


def rows_of(split: str, sides: np.ndarray) -> np.ndarray:
    """Rows that classifiers may be fitted on, in one fold or another; int [rows]."""
    if split in _SIDES:
        return np.flatnonzero(sides == "train")
    return np.flatnonzero(sides != "test") if split == "cross-validation" else np.arange(len(sides))


def inner_folds(truth: np.ndarray, speakers: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of a fitting set by speaker, rows to fit on and to answer; none if there is one speaker."""
    return _grouped(INNER_FOLDS, truth, speakers, seed) if len(np.unique(speakers)) > 1 else []


def _grouped(count: int, truth: np.ndarray, speakers: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold

    count = min(count, len(np.unique(speakers)))
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(truth)), truth, speakers))
