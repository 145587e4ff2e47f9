"""A search on the terminal: a line a trial, and between them the bars of its trainings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from training.fitting.observer import Observer
from training.fitting.progress import ProgressBars, duration
from training.tuning.search import Search, SearchObserver
from training.tuning.study import OpenTrial
from training.tuning.trial import State, Trial, best_of
from training.tuning.tuning_page import shown


class SearchLines(SearchObserver):
    """Prints the progress.

    Args:
        search: That is run.
        epochs: Of a training at most.
        write_page: Called with all trials after each.
    """

    def __init__(self, search: Search, epochs: int, write_page: Callable[[list[Trial]], None]) -> None:
        self._trials, self._folds, self._epochs = search.trials, search.folds, epochs
        self._write_page = write_page
        self._began = 0.0
        self._seconds: list[float] = []

    def on_trial_begin(self, trial: OpenTrial) -> None:
        """What is tried."""
        self._began = time.perf_counter()
        settings = "  ".join(f"{name} {shown(value)}" for name, value in trial.settings.items())
        print(f"trial {trial.number}/{self._trials}{' goes on' if trial.resumed else ''}: {settings}", flush=True)

    @contextmanager
    def training(self, fold: int, folder: Path) -> Iterator[Observer]:  # noqa: ARG002
        """The bars of a training."""
        print(f"fold {fold}/{self._folds}", flush=True)
        with ProgressBars(self._epochs) as bars:
            yield bars

    def on_trial_end(self, trials: list[Trial]) -> None:
        """What came of it, and how long the others may take."""
        self._write_page(trials)
        self._seconds.append(time.perf_counter() - self._began)
        trial, best = trials[-1], best_of(trials)
        folds = ", ".join(f"{value:.1%}" for value in trial.folds)
        outcome = f"UA {trial.value:.1%} ({folds})" if trial.value is not None else f"{trial.state}: {trial.reason}"
        over = sum(one.state is not State.RUNNING for one in trials)
        left = (self._trials - over) * sum(self._seconds) / len(self._seconds)
        print(
            f"trial {trial.number}/{self._trials}: {outcome}"
            + (f"  best {best.mean:.1%} (trial {best.number})" if best else "")
            + f"  in {duration(self._seconds[-1])}"
            + (f", about {duration(left)} to go" if left else ""),
            flush=True,
        )
