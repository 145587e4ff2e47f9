"""A trial of a search: some settings, and what cross-validation made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean
from typing import Any


class State(StrEnum):
    """What became of a trial."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trial:
    """What is known of a trial.

    Attributes:
        number: From 1.
        state: Running also stands for one that was interrupted.
        settings: By their names in `config.json`, sections before a dot.
        folds: The validation UA of each fold that is done.
        course: What was seen of it so far, by step; see `pruning`.
        seconds: That its epochs took.
        reason: Why it was pruned or failed.
    """

    number: int
    state: State
    settings: Mapping[str, Any]
    folds: tuple[float, ...] = ()
    course: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""

    @property
    def mean(self) -> float:
        """Over the folds that are done, one or more."""
        return fmean(self.folds)

    @property
    def value(self) -> float | None:
        """The mean over all folds; None unless the trial is complete."""
        return self.mean if self.state is State.COMPLETE else None


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the highest value, the earliest of those; None where none is complete."""
    complete = [trial for trial in trials if trial.state is State.COMPLETE]
    return max(complete, key=lambda trial: (trial.mean, -trial.number), default=None)
