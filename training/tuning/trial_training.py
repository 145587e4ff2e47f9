"""Run a trial: train one recipe on every fold, and give it up as soon as it falls behind."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import tensorflow as tf

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.cross_validation.fold_training import ObserverOf, no_observer, train_fold
from training.families.family import Family
from training.fitting.observer import Epoch, Observer, Observers
from training.run.folder import STATE, Run
from training.tuning.space import with_settings
from training.tuning.study import OpenTrial
from training.tuning.trial import Pruning, State

_WEIGHTS = ("model.keras", STATE)
"""Files that are removed from the run folder of a finished fold: by far the largest, and never needed again."""


class _Pruned(Exception):
    """The trial fell behind."""


class _Diverged(Exception):
    """The loss of a training is not a number any more."""


@dataclass(frozen=True, slots=True)
class TrialTraining:
    """What all trials have in common.

    Attributes:
        family: The family of models.
        config: All settings but those of the trials, in the structure of a run's `config.json`.
        datasets: A dataset for each fold; see `speaker_folds`.
        pruning: When a trial is given up; None for never.
        observer_of: Gives the observer of each training.
    """

    family: Family
    config: Mapping[str, Any]
    datasets: Sequence[Dataset]
    pruning: Pruning | None
    observer_of: ObserverOf = no_observer

    def run(self, trial: OpenTrial, folder: Path, complete: Sequence[Mapping[int, float]]) -> State:
        """Train on all folds, or on those that are not finished yet.

        Args:
            trial: The trial; its results are recorded as they come.
            folder: Folder of the trial, for a run folder of each fold.
            complete: Intermediate values of the complete trials.

        Returns:
            The state in which the trial ended.
        """
        state, reason = State.COMPLETE, ""
        try:
            # Settings that are valid one by one may be invalid together.
            recipe = self.family.recipe(with_settings(self.config, trial.settings))
            pruner = _Pruner(trial, self.pruning, complete, recipe.fit.keep)
            for number in range(1, len(self.datasets) + 1):
                if number > len(trial.folds):
                    self._train(pruner, recipe, folder / f"fold-{number}", number)
                    trial.record_fold(pruner.kept)
                    _remove_weights(folder)
                if number < len(self.datasets):
                    pruner.check(recipe.fit.epochs + number, fmean(trial.folds[:number]), f"fold {number}")
        except _Pruned as ended:
            state, reason = State.PRUNED, str(ended)
        # Keras raises a ValueError for settings that a layer cannot have.
        except (UserError, ValueError, _Diverged, tf.errors.ResourceExhaustedError) as error:
            state, reason = State.FAILED, " ".join(str(error).split())
        trial.record_seconds(sum(epoch.seconds for run in folder.glob("fold-*") for epoch in _epochs(run)))
        trial.record_reason(reason)
        _remove_weights(folder)
        return state

    def _train(self, pruner: "_Pruner", recipe: Any, folder: Path, number: int) -> None:
        """Train on a fold, or resume; epochs from before an interruption are checked again."""
        pruner.begin(number)
        for epoch in _epochs(folder):
            pruner.add(epoch)
        with self.observer_of(f"fold {number}/{len(self.datasets)}", recipe.fit.epochs) as observer:
            train_fold(self.family, recipe, self.datasets[number - 1], folder, Observers(observer, pruner))


class _Pruner(Observer):
    """Follows the trainings of a trial and ends them when the trial falls behind or diverges.

    Args:
        trial: The trial.
        pruning: When it is given up; None for never.
        complete: Intermediate values of the complete trials.
        keep: The epoch whose UA counts; see `FitSettings.keep`.
    """

    def __init__(
        self, trial: OpenTrial, pruning: Pruning | None, complete: Sequence[Mapping[int, float]], keep: str
    ) -> None:
        self._trial, self._pruning, self._complete, self._keep = trial, pruning, complete, keep
        self._fold = 0
        self.kept = 0.0

    def begin(self, fold: int) -> None:
        """A fold begins, with no epoch so far."""
        self._fold, self.kept = fold, 0.0

    def on_epoch_end(self, row: Epoch, best: bool) -> None:  # noqa: ARG002
        """See `Observer`."""
        self.add(row)

    def add(self, row: Epoch) -> None:
        """Take an epoch into account.

        Raises:
            _Diverged: If its loss is not a number.
            _Pruned: If the trial is given up.
        """
        if not math.isfinite(row.loss):
            raise _Diverged(f"the loss of fold {self._fold} was no number after epoch {row.epoch}")
        if row.validation_ua is None:
            return
        self.kept = row.validation_ua if self._keep == "last" else max(self.kept, row.validation_ua)
        if self._fold == 1:
            self.check(row.epoch, self.kept, f"epoch {row.epoch} of fold 1")

    def check(self, step: int, value: float, after: str) -> None:
        """Report an intermediate value of the trial, and compare it with that of the others.

        Args:
            step: The step; see `training.tuning.trial`.
            value: The value.
            after: The step in words.

        Raises:
            _Pruned: If the trial is given up.
        """
        self._trial.report(step, value)
        if self._pruning and self._pruning.prunes(step, value, self._complete):
            raise _Pruned(f"below the median of the complete trials after {after}")


def _epochs(folder: Path) -> list[Epoch]:
    """The finished epochs of a run, whether or not it was interrupted."""
    rows = Run(folder, {}).history()
    return [Epoch(**{**row, "epoch": number}) for number, row in enumerate(rows, start=1)]  # type: ignore[arg-type]


def _remove_weights(folder: Path) -> None:
    for run in folder.glob("fold-*"):
        for name in _WEIGHTS:
            (run / name).unlink(missing_ok=True)
