"""Recordings that come in now against those that a run has learned from, and whether retraining is due."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from data_pipeline.dataset import Dataset
from data_pipeline.errors import SetAside, UserError
from data_pipeline.quality.signal import Signal
from data_pipeline.quality.sources import find_recordings
from training.drift.heard import Heard, recordings_now, training_clips
from training.drift.stability import Change, Stability, of_counts, of_numbers
from training.run.folder import Run

SOUND: Mapping[str, tuple[str, Callable[[Signal], float]]] = {
    "level": ("dBFS", lambda signal: signal.level),
    "noise floor": ("dBFS", lambda signal: signal.noise),
    "signal-to-noise ratio": ("dB", lambda signal: signal.snr),
    "bandwidth": ("Hz", lambda signal: signal.bandwidth),
    "duration": ("s", lambda signal: signal.seconds),
}
"""Figures of how recordings sound: their units, and what they are of a signal."""

CONFIDENCE = "confidence"
"""The figure that is the highest probability of each answer."""

ANSWERS = "answers"
"""The figure that is how often the run answers what."""

_FIGURES = len(SOUND) + 2
"""How many there are."""


class Due(StrEnum):
    """Whether retraining is due."""

    YES = "due"
    NO = "not due"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """One thing that may have changed.

    Attributes:
        name: Of `SOUND`, or `CONFIDENCE` or `ANSWERS`.
        unit: Empty for shares.
        before: Values that there were, [recordings]; of the answers, indices of labels.
        now: Values that there are.
        stability: How far the one is from the other.
    """

    name: str
    unit: str
    before: np.ndarray
    now: np.ndarray
    stability: Stability


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """What has changed.

    Attributes:
        figures: Each of `SOUND`, confidence and answers.
        labels: Of the answers.
        due: Whether retraining is due.
        reasons: A sentence each.
        unusable: Recordings that nothing could be made of.
    """

    figures: tuple[Figure, ...]
    labels: tuple[str, ...]
    due: Due
    reasons: tuple[str, ...]
    unusable: tuple[SetAside, ...]

    def to_json(self) -> dict[str, Any]:
        """`due`, `reasons`, `figures` (by name: `index`, `by_chance`, `change`, numbers of values, and of numbers the
        medians, of answers the shares, before and now) and `unusable`.
        """
        return {
            "due": self.due,
            "reasons": list(self.reasons),
            "figures": {
                figure.name: {"unit": figure.unit, **asdict(figure.stability), **self._typical(figure)}
                for figure in self.figures
            },
            "unusable": [asdict(one) for one in self.unusable],
        }

    def _typical(self, figure: Figure) -> dict[str, Any]:
        if figure.name == ANSWERS:
            return {
                f"shares_{when}": dict(zip(self.labels, shares(values, len(self.labels)).tolist(), strict=True))
                for when, values in (("before", figure.before), ("now", figure.now))
            }
        return {"median_before": float(np.median(figure.before)), "median_now": float(np.median(figure.now))}


def measure_drift(
    run: Run,
    dataset: Dataset,
    places: list[str],
    channel: str = "clean",
    workers: int | None = None,
    on_progress: Callable[[str, int, int], object] = lambda *_: None,
) -> Drift:
    """Compare.

    Args:
        run: With weights.
        dataset: That it was trained on.
        places: Folders, manifests or files of new recordings; see `quality.sources.find_recordings`.
        channel: What the training clips go through first, for recordings that come by telephone.
        workers: Processes that decode. Defaults to the processors that this process may use.
        on_progress: Called with what is done, how much of it, and how much there is.

    Raises:
        UserError: If a place is missing or holds no audio, none of it can be used, or the dataset lacks a side.
    """
    recordings = find_recordings(places).recordings
    before = training_clips(run, dataset, channel)
    processes = len(os.sched_getaffinity(0)) if workers is None else workers
    now, unusable = recordings_now(run, recordings, processes, on_progress)
    if not now.signals:
        raise UserError(f"{', '.join(places)}: none of the recordings can be used; the first {unusable[0]}")
    return compare(before, now, run.labels, unusable)


def compare(before: Heard, now: Heard, labels: tuple[str, ...], unusable: tuple[SetAside, ...] = ()) -> Drift:
    """What has changed between two sets of recordings.

    Args:
        before: What there was.
        now: What there is.
        labels: Of the probabilities.
        unusable: Recordings that nothing could be made of.
    """
    figures = []
    for name, (unit, value) in SOUND.items():
        there, here = (np.array([value(signal) for signal in heard.signals]) for heard in (before, now))
        figures.append(Figure(name, unit, there, here, of_numbers(there, here, _FIGURES)))
    there, here = before.probabilities.max(axis=1), now.probabilities.max(axis=1)
    figures.append(Figure(CONFIDENCE, "", there, here, of_numbers(there, here, _FIGURES)))
    there, here = before.probabilities.argmax(axis=1), now.probabilities.argmax(axis=1)
    counts = [np.bincount(values, minlength=len(labels)) for values in (there, here)]
    figures.append(Figure(ANSWERS, "", there, here, of_counts(counts[0], counts[1], _FIGURES)))
    due, reasons = _verdict(figures)
    return Drift(tuple(figures), labels, due, reasons, unusable)


def shares(answers: np.ndarray, labels: int) -> np.ndarray:
    """How often each label is answered, float [labels]."""
    return np.bincount(answers, minlength=labels) / len(answers)


def _verdict(figures: list[Figure]) -> tuple[Due, tuple[str, ...]]:
    """Due as soon as one figure has changed; unknown if none has, but of one that cannot be told."""
    by_change = {change: [one for one in figures if one.stability.change is change] for change in Change}
    reasons = [_sentence(one) for change in (Change.CHANGED, Change.SOMEWHAT) for one in by_change[change]]
    unclear = by_change[Change.CANNOT_TELL]
    if unclear:
        enough = max(one.stability.enough for one in unclear)
        reasons.append(
            f"Too few recordings to tell of {', '.join(one.name for one in unclear)}"
            + (f": give {enough:,} or more." if enough else ".")
        )
    if by_change[Change.CHANGED]:
        return Due.YES, tuple(reasons)
    return (Due.CANNOT_TELL if unclear else Due.NO), tuple(reasons or ["Nothing has changed."])


def _sentence(figure: Figure) -> str:
    told = f"{figure.name}: population stability index {figure.stability.index:.2f}, {figure.stability.change}"
    if figure.name == ANSWERS:
        return f"{told}."
    before, now = (f"{np.median(values):,.4g} {figure.unit}".rstrip() for values in (figure.before, figure.now))
    return f"{told}, median {before} before, {now} now."
