"""A trial: one recipe trained on every fold, given up as soon as it falls behind."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import keras
import tensorflow as tf

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.families.family import Family
from training.fitting.observer import Epoch, Observer, Observers
from training.fitting.train import train
from training.run.folder import STATE, Run
from training.tuning.pruning import Pruning
from training.tuning.space import with_settings
from training.tuning.study import OpenTrial
from training.tuning.trial import State

_WEIGHTS = ("model.keras", STATE)
"""What is removed from the run folder of a fold that is over: by far the most of it, and never needed again."""


class _Pruned(Exception):
    """A trial is not worth going on with."""


class _Diverged(Exception):
    """A training has come to numbers that are none."""


class TrainingsObserver:
    """Who is told of the trainings of a trial."""

    def training(self, fold: int, folder: Path) -> AbstractContextManager[Observer]:  # noqa: ARG002
        """The training of a fold begins; what is yielded is told of it.

        Args:
            fold: From 1.
            folder: Of its run.
        """
        return nullcontext(Observer())


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What all trials have in common.

    Attributes:
        family: Of models.
        config: All settings but those of the trials, in the structure of a run's `config.json`.
        datasets: A fold each, see `folds`.
        pruning: When a trial is given up; None for never.
        observer: Told of each training.
    """

    family: Family
    config: Mapping[str, Any]
    datasets: Sequence[Dataset]
    pruning: Pruning | None
    observer: TrainingsObserver = field(default_factory=TrainingsObserver)

    def run(self, trial: OpenTrial, folder: Path, complete: Sequence[Mapping[int, float]]) -> State:
        """Train on all folds, or on those that are not done yet.

        Args:
            trial: Its results are noted as they come.
            folder: Of the trial; a run folder a fold is made in it.
            complete: The courses of complete trials.

        Returns:
            What became of it.
        """
        state, reason = State.COMPLETE, ""
        try:
            # Settings that are fine one by one may not go together.
            recipe = self.family.recipe(with_settings(self.config, trial.settings))
            judge = _Judge(trial, self.pruning, complete, recipe.fit.keep)
            for number in range(1, len(self.datasets) + 1):
                if number > len(trial.folds):
                    self._train(judge, recipe, folder / f"fold-{number}", number)
                    trial.record_fold(judge.kept)
                    _remove_weights(folder)
                if number < len(self.datasets):
                    judge.judge(recipe.fit.epochs + number, fmean(trial.folds[:number]), f"fold {number}")
        except _Pruned as ended:
            state, reason = State.PRUNED, str(ended)
        # ValueError is what Keras has for settings that a layer cannot have.
        except (UserError, ValueError, _Diverged, tf.errors.ResourceExhaustedError) as error:
            state, reason = State.FAILED, " ".join(str(error).split())
        trial.record_seconds(sum(epoch.seconds for run in folder.glob("fold-*") for epoch in _epochs(run)))
        trial.record_reason(reason)
        _remove_weights(folder)
        return state

    def _train(self, judge: "_Judge", recipe: Any, folder: Path, number: int) -> None:
        """Train a fold, or go on with it; its epochs from before an interruption are judged again."""
        judge.begin(number)
        for epoch in _epochs(folder):
            judge.see(epoch)
        if (folder / "model.keras").exists() and not (folder / STATE).exists():
            return
        # Hundreds of networks in one process: what Keras keeps of the last goes before the next.
        keras.utils.clear_session()
        with self.observer.training(number, folder) as told:
            train(self.family, recipe, self.datasets[number - 1], folder, Observers(told, judge))


class _Judge(Observer):
    """Follows the trainings of a trial and ends them where they are not worth their time.

    Args:
        trial: That is followed.
        pruning: When it is given up.
        complete: The courses of complete trials.
        keep: Whose UA counts, see `FitSettings.keep`.
    """

    def __init__(
        self, trial: OpenTrial, pruning: Pruning | None, complete: Sequence[Mapping[int, float]], keep: str
    ) -> None:
        self._trial, self._pruning, self._complete, self._keep = trial, pruning, complete, keep
        self._fold = 0
        self.kept = 0.0

    def begin(self, fold: int) -> None:
        """A fold begins, of which nothing was seen."""
        self._fold, self.kept = fold, 0.0

    def on_epoch_end(self, row: Epoch, best: bool) -> None:  # noqa: ARG002
        """See `Observer`."""
        self.see(row)

    def see(self, row: Epoch) -> None:
        """Take note of an epoch.

        Raises:
            _Diverged: If its loss is no number.
            _Pruned: If the trial is given up.
        """
        if not math.isfinite(row.loss):
            raise _Diverged(f"the loss of fold {self._fold} was no number after epoch {row.epoch}")
        if row.validation_ua is None:
            return
        self.kept = row.validation_ua if self._keep == "last" else max(self.kept, row.validation_ua)
        if self._fold == 1:
            self.judge(row.epoch, self.kept, f"epoch {row.epoch} of fold 1")

    def judge(self, step: int, value: float, after: str) -> None:
        """Note what the trial has come to, and compare it with others; see `pruning` for steps.

        Raises:
            _Pruned: If it is given up.
        """
        self._trial.report(step, value)
        if self._pruning and self._pruning.gives_up(step, value, self._complete):
            raise _Pruned(f"below the median of the complete trials after {after}")


def _epochs(folder: Path) -> list[Epoch]:
    """Those that are over of a run, whether or not it was interrupted."""
    rows = Run(folder, {}).history()
    return [Epoch(**{**row, "epoch": number}) for number, row in enumerate(rows, start=1)]  # type: ignore[arg-type]


def _remove_weights(folder: Path) -> None:
    for run in folder.glob("fold-*"):
        for name in _WEIGHTS:
            (run / name).unlink(missing_ok=True)
