"""A search: trial after trial on the same folds, with its results in one folder.

| file | what it is |
| --- | --- |
| `search.json` | the settings that the search started with |
| `study.journal` | its trials, as Optuna keeps them |
| `folds/` | a dataset for each fold |
| `trials/` | a folder for each trial, with a run folder for each fold, without weights once the fold is finished |
| `trials.csv`, `best.json` | the results; see `search_files` |
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.storage.claimed_folder import claimed
from training.cross_validation.speaker_folds import speaker_folds, write_fold
from training.families.family import Family
from training.fitting.observer import Observer
from training.tuning.search_files import TABLE, begin_or_resume, write_best, write_results
from training.tuning.space import Space, own_settings
from training.tuning.study import OpenTrial, Study, import_optuna
from training.tuning.trial import Pruning, State, Trial, best_of
from training.tuning.trial_training import TrialTraining


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for, and where.

    Attributes:
        family: The family of models.
        config: What all trials have in common, in the structure of a run's `config.json`. Its seed is also that of the
            search.
        space: The settings that are searched; see `space.fitted_to`.
        dataset: The dataset whose training split is divided into folds.
        folder: Folder of the search; may hold the same search, interrupted or with fewer trials.
        trials: Number of trials in all.
        folds: Number of folds of the cross-validation.
        pruning: When a trial is given up; None for never.
    """

    family: Family
    config: Mapping[str, Any]
    space: Space
    dataset: Dataset
    folder: Path
    trials: int
    folds: int = 3
    pruning: Pruning | None = field(default_factory=Pruning)

    def __post_init__(self) -> None:
        if self.trials < 1 or self.folds < 2:
            raise UserError(f"a search takes 1 trial and 2 folds or more, not {self.trials} and {self.folds}")

    def trial_folder(self, number: int) -> Path:
        """The folder of a trial's runs."""
        return self.folder / "trials" / f"trial-{number:03d}"

    def to_json(self) -> dict[str, Any]:
        """Everything that decides the results of the trials, for `search.json`."""
        return {
            "family": self.family.name,
            "recipe": asdict(self.family.recipe(self.config)),
            "space": {name: asdict(dimension) for name, dimension in self.space.items()},
            "folds": self.folds,
            "pruning": asdict(self.pruning) if self.pruning else None,
            "data": self.dataset.fingerprint,
        }


class SearchObserver:
    """Receives the progress of a search; does nothing."""

    def training(self, title: str, epochs: int) -> AbstractContextManager[Observer]:  # noqa: ARG002  as `ObserverOf`
        """The observer of a training that begins."""
        return nullcontext(Observer())

    def on_trial_begin(self, trial: OpenTrial) -> None:
        """A trial begins or is resumed."""

    def on_trial_end(self, trials: list[Trial]) -> None:
        """The last of these trials has ended, and the result files are written."""


def run_search(search: Search, observer: SearchObserver | None = None) -> tuple[list[Trial], Trial]:
    """Run the trials that are missing.

    The first trial has the settings of `config` themselves, if they lie in the space.

    Args:
        search: The search.
        observer: Receives the progress.

    Returns:
        All trials, in their order, and the best of them.

    Raises:
        UserError: If the folder holds anything but this search, Optuna is not installed, the data are not enough (see
            `speaker_folds`), or every trial failed.
    """
    observer = observer or SearchObserver()
    with claimed(search.folder):
        common = search.family.recipe(search.config)
        # Errors are found before the folder becomes that of this search.
        import_optuna()
        folds = speaker_folds(search.dataset, search.folds, common.target)
        begin_or_resume(search.folder, search.to_json())
        study = Study(search.folder / "study.journal", search.space, common.fit.seed)
        datasets = [
            write_fold(search.dataset, fold, search.folder / "folds" / f"fold-{number}")
            for number, fold in enumerate(folds, start=1)
        ]
        if own := own_settings(search.space, search.family, search.config):
            study.start_with(own)
        training = TrialTraining(search.family, search.config, datasets, search.pruning, observer.training)
        while sum(trial.state is not State.RUNNING for trial in study.trials()) < search.trials:
            trial = study.next()
            observer.on_trial_begin(trial)
            complete = [one.intermediate for one in study.trials() if one.state is State.COMPLETE]
            study.finish(trial, training.run(trial, search.trial_folder(trial.number), complete))
            _write(search, study.trials())
            observer.on_trial_end(study.trials())
        trials = study.trials()
        # Once more: the search may have been interrupted between a trial and its row.
        _write(search, trials)
    best = best_of(trials)
    if best is None:
        raise UserError(
            f"every trial failed, the last since {trials[-1].reason}; {search.folder / TABLE} has all of them: put "
            "that right, and search in another folder"
        )
    return trials, best


def _write(search: Search, trials: list[Trial]) -> None:
    write_results(search.folder, trials, list(search.space), search.folds)
    if best := best_of(trials):
        write_best(search.folder, search.trial_folder(best.number) / "fold-1")
