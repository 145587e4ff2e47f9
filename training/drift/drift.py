"""Compare new recordings with those that a run was trained on, and say whether retraining is due."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from data_pipeline.audio.track import Track
from data_pipeline.dataset import Dataset
from data_pipeline.errors import SetAside, UserError
from data_pipeline.pages import quantity
from data_pipeline.quality.signal import Signal
from data_pipeline.quality.sources import find_recordings
from training.drift.recordings import RecordingSample, new_sample, training_sample
from training.drift.stability import Change, Stability, stability_of_counts, stability_of_numbers
from training.evaluation.speaker_permutations import FEWEST_SPEAKERS
from training.run.folder import Run

SOUND: Mapping[str, tuple[str, Callable[[Signal], float]]] = {
    "level": ("dBFS", lambda signal: signal.level),
    "noise floor": ("dBFS", lambda signal: signal.noise),
    "signal-to-noise ratio": ("dB", lambda signal: signal.snr),
    "bandwidth": ("Hz", lambda signal: signal.bandwidth),
    "duration": ("s", lambda signal: signal.seconds),
}
"""Figures of how recordings sound: the unit of each, and the function that computes it of a signal."""

CONFIDENCE = "confidence"
"""Name of the figure that is the highest probability of each prediction."""

ANSWERS = "answers"
"""Name of the figure that is how often the run predicts each label."""

_FIGURES = len(SOUND) + 2
"""Number of figures."""


class Due(StrEnum):
    """Whether retraining is due."""

    YES = "due"
    NO = "not due"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """One figure of the recordings, before and now.

    Attributes:
        name: A name of `SOUND`, or `CONFIDENCE` or `ANSWERS`.
        unit: Unit of the values; empty for shares.
        before: Values of the training recordings, [recordings]; of the answers, indices of labels.
        now: Values of the new recordings.
        stability: How far the distribution has changed.
    """

    name: str
    unit: str
    before: np.ndarray
    now: np.ndarray
    stability: Stability


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """How new recordings differ from those that a run was trained on.

    Attributes:
        figures: Each figure of `SOUND`, the confidence and the answers.
        labels: Labels of the answers.
        due: Whether retraining is due.
        reasons: The reasons, a sentence each.
        unusable: Recordings that cannot be used.
    """

    figures: tuple[Figure, ...]
    labels: tuple[str, ...]
    due: Due
    reasons: tuple[str, ...]
    unusable: tuple[SetAside, ...]

    def to_json(self) -> dict[str, Any]:
        """The content of `drift.json`.

        Returns:
            `due`, `reasons`, `figures` (by name: `unit`, the fields of `Stability`, and before and now the median of
            the values, or of the answers the share of each label) and `unusable`.
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
    track: Track | None = None,
) -> Drift:
    """Compare new recordings with the training recordings of a run.

    Args:
        run: A run with weights.
        dataset: The dataset that it was trained on.
        places: Folders, manifests or files of new recordings; see `quality.sources.find_recordings`.
        channel: Channel that the training clips go through first, such as `telephone` if the new recordings are calls.
        workers: Number of processes that decode. Defaults to the number of processors that this process may use.
        on_progress: Called with what is being done, how much of it is done, and how much there is.
        track: Channel of recordings for which no manifest names one; None to take channels that are the same.

    Raises:
        UserError: If a place is missing or holds no audio, none of it can be used, or the dataset lacks a split.
    """
    recordings = find_recordings(places, track).recordings
    before = training_sample(run, dataset, channel)
    processes = len(os.sched_getaffinity(0)) if workers is None else workers
    now, unusable = new_sample(run, recordings, processes, on_progress)
    if not now.signals:
        raise UserError(f"{', '.join(places)}: none of the recordings can be used; the first {unusable[0]}")
    return compare_samples(before, now, run.labels, unusable)


def compare_samples(
    before: RecordingSample, now: RecordingSample, labels: tuple[str, ...], unusable: tuple[SetAside, ...] = ()
) -> Drift:
    """Compare two samples of recordings.

    Args:
        before: Sample of the training recordings.
        now: Sample of the new recordings.
        labels: Labels of the probabilities.
        unusable: Recordings that cannot be used.
    """
    samples = (before, now)
    numbers = {
        name: (unit, [np.array([value(signal) for signal in sample.signals]) for sample in samples])
        for name, (unit, value) in SOUND.items()
    }
    numbers[CONFIDENCE] = ("", [sample.probabilities.max(axis=1) for sample in samples])
    figures = [
        Figure(name, unit, there, here, stability_of_numbers(there, here, _FIGURES))
        for name, (unit, (there, here)) in numbers.items()
    ]
    there, here = (sample.probabilities.argmax(axis=1) for sample in samples)
    counts = [np.bincount(values, minlength=len(labels)) for values in (there, here)]
    figures.append(Figure(ANSWERS, "", there, here, stability_of_counts(counts[0], counts[1], _FIGURES)))
    due, reasons = _verdict(figures)
    if now.speakers is not None and now.speakers < FEWEST_SPEAKERS:
        few = (
            f"All recordings are of {quantity(now.speakers, 'speaker')}, who may differ by chance: give recordings of "
        )
        due, reasons = Due.CANNOT_TELL, (f"{few}{FEWEST_SPEAKERS} or more.", *reasons)
    return Drift(tuple(figures), labels, due, reasons, unusable)


def shares(answers: np.ndarray, labels: int) -> np.ndarray:
    """How often each label is predicted, float [labels]."""
    return np.bincount(answers, minlength=labels) / len(answers)


def _verdict(figures: list[Figure]) -> tuple[Due, tuple[str, ...]]:
    """Due if one figure has changed; `cannot tell` if none has, but for one that is not clear."""
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
    sentence = f"{figure.name}: population stability index {figure.stability.index:.2f}, {figure.stability.change}"
    if figure.name == ANSWERS:
        return f"{sentence}."
    before, now = (f"{np.median(values):,.4g} {figure.unit}".rstrip() for values in (figure.before, figure.now))
    return f"{sentence}, median {before} before, {now} now."
