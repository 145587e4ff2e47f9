"""A trial of a search, what cross-validation made of it, and when it is given up before all folds are trained.

A trial has an intermediate value for each step that it has reached. The steps from 1 to the number of epochs are those
of the first fold, with the validation UA that would be kept so far. The step `epochs + K` is the end of fold K, with
the mean over the folds 1 to K. Only values of the same step are compared, since one fold may be much harder than
another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean, median
from typing import Any

from data_pipeline.errors import UserError


class State(StrEnum):
    """The state of a trial."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trial:
    """The settings and the results of a trial.

    Attributes:
        number: Number of the trial, from 1.
        state: Its state. An interrupted trial counts as running.
        settings: Settings by their names in `config.json`, with a dot after each section.
        folds: The validation UA of each finished fold.
        intermediate: The intermediate values so far, by step.
        seconds: Seconds that its epochs took.
        reason: Why it was pruned or failed.
    """

    number: int
    state: State
    settings: Mapping[str, Any]
    folds: tuple[float, ...] = ()
    intermediate: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""

    @property
    def mean(self) -> float:
        """Mean over the finished folds; there must be at least one."""
        return fmean(self.folds)

    @property
    def value(self) -> float | None:
        """Mean over all folds; None unless the trial is complete."""
        return self.mean if self.state is State.COMPLETE else None


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the highest value, the earliest of equal ones; None if no trial is complete."""
    complete = [trial for trial in trials if trial.state is State.COMPLETE]
    return max(complete, key=lambda trial: (trial.mean, -trial.number), default=None)


@dataclass(frozen=True, slots=True)
class Pruning:
    """The median rule, much as in Vizier (Golovin et al. 2017, KDD, section 3.2.2).

    Attributes:
        startup: Number of complete trials before any other is pruned.
        warmup: Number of epochs of the first fold in which no trial is pruned, since the learning rate still rises.
    """

    startup: int = 5
    warmup: int = 3

    def __post_init__(self) -> None:
        if self.startup < 1 or self.warmup < 0:
            raise UserError(
                f"trials are pruned after 1 complete trial or more and 0 epochs or more, not after {self.startup} and "
                f"{self.warmup}"
            )

    def prunes(self, step: int, value: float, complete: Sequence[Mapping[int, float]]) -> bool:
        """Whether a trial is below the median of the complete trials at the same step.

        Args:
            step: Step that the trial has reached.
            value: Its intermediate value at that step.
            complete: Intermediate values of the complete trials. A training that stopped early counts with its last
                value.
        """
        if len(complete) < self.startup or step <= self.warmup:
            return False
        reached = [_at(intermediate, step) for intermediate in complete]
        known = [one for one in reached if one is not None]
        return bool(known) and value < median(known)


def _at(intermediate: Mapping[int, float], step: int) -> float | None:
    before = [one for one in intermediate if one <= step]
    return intermediate[max(before)] if before else None
