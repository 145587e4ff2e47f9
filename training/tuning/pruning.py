"""When a trial is given up before all of its folds are trained.

A trial's course has a value for each step that it has reached: the steps from 1 to the number of epochs are those of
the first fold, with the validation UA that would be kept so far, and the step `epochs + K` is the end of fold K, with
the mean over folds 1 to K. Only values of the same step are compared, since one fold may be much harder than another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from data_pipeline.errors import UserError


@dataclass(frozen=True, slots=True)
class Pruning:
    """By the median of complete trials at the same step, much as in Vizier (Golovin et al. 2017, KDD, section 3.2.2).

    Attributes:
        startup: Complete trials to have before any other is given up.
        warmup: Epochs of the first fold in which no trial is given up, since the learning rate is still rising.
    """

    startup: int = 5
    warmup: int = 3

    def __post_init__(self) -> None:
        if self.startup < 1 or self.warmup < 0:
            raise UserError(
                f"trials are pruned after 1 complete trial or more and 0 epochs or more, not after {self.startup} and "
                f"{self.warmup}"
            )

    def gives_up(self, step: int, value: float, complete: Sequence[Mapping[int, float]]) -> bool:
        """Whether a trial is below the median of the complete ones at the same step.

        Args:
            step: That the trial has reached.
            value: What it has come to there.
            complete: The courses of the complete trials. One that stopped early counts with where it stopped.
        """
        if len(complete) < self.startup or step <= self.warmup:
            return False
        reached = [_at(course, step) for course in complete]
        known = [one for one in reached if one is not None]
        return bool(known) and value < median(known)


def _at(course: Mapping[int, float], step: int) -> float | None:
    before = [one for one in course if one <= step]
    return course[max(before)] if before else None
