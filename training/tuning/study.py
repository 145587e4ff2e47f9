"""The trials of a search, drawn and stored by Optuna (Akiba et al. 2019, arXiv:1907.10902) in a journal.

Every change is a line at the end of the file, so a search that is killed loses at most the line that was being written,
and network file systems can be used, unlike with SQLite. Trials run one after the other. The settings of a trial are a
function of (seed, its number, the trials before it), whether or not the search was interrupted in between.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from data_pipeline.errors import UserError
from training.tuning.space import Choice, Range, Space
from training.tuning.trial import State, Trial

if TYPE_CHECKING:
    import optuna

_NAME = "tuning"

_FOLDS, _SECONDS, _REASON = "folds", "seconds", "reason"
"""Attributes of a trial beside those that Optuna itself stores."""


class OpenTrial:
    """A trial that is running.

    Args:
        trial: The trial in Optuna.
        space: The space that its settings are drawn from.
        before: Its results from before an interruption, or None for a new trial.
    """

    def __init__(self, trial: "optuna.Trial", space: Space, before: Trial | None = None) -> None:
        self._trial = trial
        self.resumed = before is not None
        self.number = trial.number + 1
        self.settings = {name: _drawn(trial, name, dimension) for name, dimension in space.items()}
        self.folds: list[float] = list(before.folds) if before else []
        self._intermediate: dict[int, float] = dict(before.intermediate) if before else {}

    def report(self, step: int, value: float) -> None:
        """Record the intermediate value of a step; reporting it again changes nothing."""
        if step not in self._intermediate:
            self._trial.report(value, step)
            self._intermediate[step] = value

    def record_fold(self, value: float) -> None:
        """Record the result of the next fold."""
        self.folds.append(value)
        self._trial.set_user_attr(_FOLDS, self.folds)

    def record_seconds(self, seconds: float) -> None:
        """Record the seconds that its epochs took."""
        self._trial.set_user_attr(_SECONDS, seconds)

    def record_reason(self, reason: str) -> None:
        """Record why it ends before its last fold."""
        self._trial.set_user_attr(_REASON, reason)


class Study:
    """All trials of a search.

    Args:
        file: The journal, which no other process writes to; made if it is missing.
        space: The settings that are drawn.
        seed: Seed of the draws.

    Raises:
        UserError: If Optuna is not installed, or the file cannot be read.
    """

    def __init__(self, file: Path, space: Space, seed: int) -> None:
        self._optuna = import_optuna()
        self._space, self._seed = space, seed
        _mend(file)
        try:
            self._storage = self._optuna.storages.JournalStorage(
                self._optuna.storages.journal.JournalFileBackend(str(file))
            )
            self._study = self._optuna.create_study(
                storage=self._storage, study_name=_NAME, direction="maximize", load_if_exists=True
            )
        # Lines that are not JSON, and lines that Optuna did not write.
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{file} is damaged ({error}): search in another folder") from error

    def start_with(self, settings: Mapping[str, Any]) -> None:
        """Give the first trial these settings, unless there is a first trial already."""
        if not self._study.get_trials(deepcopy=False):
            self._study.enqueue_trial(dict(settings))

    def trials(self) -> list[Trial]:
        """The trials that were started, in their order."""
        waiting = self._optuna.trial.TrialState.WAITING
        return [_record(trial) for trial in self._study.get_trials(deepcopy=False) if trial.state != waiting]

    def next(self) -> OpenTrial:
        """The trial that was interrupted, or a new one."""
        started = self.trials()
        interrupted = next((trial for trial in started if trial.state is State.RUNNING), None)
        number = interrupted.number - 1 if interrupted else len(started)
        # No trial runs at the same time, so no draw has to keep away from unfinished trials.
        self._study.sampler = self._optuna.samplers.TPESampler(
            seed=int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0]), constant_liar=False
        )
        if interrupted is None:
            return OpenTrial(self._study.ask(), self._space)
        study_id = self._storage.get_study_id_from_name(_NAME)
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        return OpenTrial(self._optuna.trial.Trial(self._study, trial_id), self._space, interrupted)

    def finish(self, trial: OpenTrial, state: State) -> None:
        """Record the state in which a trial ended."""
        states = self._optuna.trial.TrialState
        if state is State.COMPLETE:
            self._study.tell(trial.number - 1, fmean(trial.folds))
        else:
            self._study.tell(trial.number - 1, state=states.PRUNED if state is State.PRUNED else states.FAIL)


def _mend(file: Path) -> None:
    """Remove what a killed search may have left: half a line, and its lock."""
    file.with_name(f"{file.name}.lock").unlink(missing_ok=True)
    if file.exists():
        content = file.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(file, whole)


def import_optuna() -> ModuleType:
    """Import Optuna, and silence its progress messages.

    Raises:
        UserError: If it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError("ser tune needs Optuna, which is not installed: run pip install '.[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _drawn(trial: "optuna.Trial", name: str, dimension: Range | Choice) -> Any:
    """The value of a setting: drawn at the first call, the same value afterwards."""
    if isinstance(dimension, Choice):
        return trial.suggest_categorical(name, dimension.choices)
    if dimension.whole:
        return trial.suggest_int(
            name, int(dimension.low), int(dimension.high), step=int(dimension.step or 1), log=dimension.log
        )
    return trial.suggest_float(name, dimension.low, dimension.high, step=dimension.step, log=dimension.log)


def _record(trial: "optuna.trial.FrozenTrial") -> Trial:
    states = {"COMPLETE": State.COMPLETE, "PRUNED": State.PRUNED, "FAIL": State.FAILED}
    attributes = trial.user_attrs
    return Trial(
        number=trial.number + 1,
        state=states.get(trial.state.name, State.RUNNING),
        settings=dict(trial.params),
        folds=tuple(attributes.get(_FOLDS, ())),
        intermediate=dict(trial.intermediate_values),
        seconds=attributes.get(_SECONDS, 0.0),
        reason=attributes.get(_REASON, ""),
    )
