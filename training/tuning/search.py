"""A search: trial after trial on the same folds, with its results in one folder.

| file | what it is |
| --- | --- |
| `search.json` | what the search was begun with |
| `study.journal` | its trials, as Optuna keeps them |
| `folds/` | a dataset a fold |
| `trials/` | a folder a trial with a run folder a fold, without weights once the fold is over |
| `trials.csv`, `best.json` | see `results` |
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.storage.claimed_folder import claimed
from training.families.family import Family
from training.tuning.begun import take_up
from training.tuning.cross_validation import CrossValidation, TrainingsObserver
from training.tuning.folds import folds_of, write_folds
from training.tuning.pruning import Pruning
from training.tuning.results import TABLE, write_best, write_table
from training.tuning.space import Space, own_settings
from training.tuning.study import OpenTrial, Study, import_optuna
from training.tuning.trial import State, Trial, best_of


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for, and where.

    Attributes:
        family: Of models.
        config: What all trials have in common, in the structure of a run's `config.json`; its seed is also that of
            the search.
        space: What is searched; see `space.fitted_to`.
        dataset: Whose training side is cut into folds.
        folder: Where everything is written; may hold the same search, interrupted or with fewer trials.
        trials: In all.
        folds: Of cross-validation.
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


class SearchObserver(TrainingsObserver):
    """Who is told of a search."""

    def on_trial_begin(self, trial: OpenTrial) -> None:
        """A trial begins, or goes on."""

    def on_trial_end(self, trials: list[Trial]) -> None:
        """The last of these is over, and the tables are written."""


def search(what: Search, observer: SearchObserver | None = None) -> tuple[list[Trial], Trial]:
    """Run the trials that are missing.

    The first has the settings of `config` themselves, where they lie in the space.

    Args:
        what: To search.
        observer: Told of the progress.

    Returns:
        All trials, in their order, and the best of them.

    Raises:
        UserError: If the folder holds anything but this search, Optuna is not installed, the data do not suffice (see
            `folds.folds_of`), or every trial failed.
    """
    observer = observer or SearchObserver()
    with claimed(what.folder):
        common = what.family.recipe(what.config)
        # Whatever may be wrong is found before the folder becomes that of this search.
        import_optuna()
        folds = folds_of(what.dataset, what.folds, common.target)
        take_up(what.folder, _what_decides(what))
        study = Study(what.folder / "study.journal", what.space, common.fit.seed)
        datasets = write_folds(what.dataset, what.folder / "folds", folds)
        if own := own_settings(what.space, what.family, what.config):
            study.start_with(own)
        validation = CrossValidation(what.family, what.config, datasets, what.pruning, observer)
        while _over(study) < what.trials:
            trial = study.next()
            observer.on_trial_begin(trial)
            complete = [one.course for one in study.trials() if one.state is State.COMPLETE]
            study.finish(trial, validation.run(trial, trial_folder(what.folder, trial.number), complete))
            _write(what, study.trials())
            observer.on_trial_end(study.trials())
        trials = study.trials()
        # Once more: a search may have been cut off between a trial and its row.
        _write(what, trials)
    best = best_of(trials)
    if best is None:
        raise UserError(
            f"every trial failed, the last since {trials[-1].reason}; {what.folder / TABLE} has all of them: put that "
            "right, and search in another folder"
        )
    return trials, best


def trial_folder(folder: Path, number: int) -> Path:
    """Where a trial's runs are.

    Args:
        folder: Of the search.
        number: Of the trial.
    """
    return folder / "trials" / f"trial-{number:03d}"


def _over(study: Study) -> int:
    return sum(trial.state is not State.RUNNING for trial in study.trials())


def _write(what: Search, trials: list[Trial]) -> None:
    write_table(what.folder, trials, list(what.space), what.folds)
    if best := best_of(trials):
        write_best(what.folder, trial_folder(what.folder, best.number) / "fold-1")


def _what_decides(what: Search) -> dict[str, Any]:
    return {
        "family": what.family.name,
        "recipe": asdict(what.family.recipe(what.config)),
        "space": {name: asdict(dimension) for name, dimension in what.space.items()},
        "folds": what.folds,
        "pruning": asdict(what.pruning) if what.pruning else None,
        "data": what.dataset.fingerprint,
    }
