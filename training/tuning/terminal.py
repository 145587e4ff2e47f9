"""A search on the terminal: two lines for each trial, and between them the progress bars of its trainings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from training.fitting.observer import Observer
from training.fitting.progress import ProgressBars, duration
from training.tuning.search import Search, SearchObserver
from training.tuning.study import OpenTrial
from training.tuning.trial import State, Trial, best_of
from training.tuning.tuning_page import shown


class SearchLines(SearchObserver):
    """Prints the progress of a search.

    Args:
        search: The search.
        write_page: Called with all trials after each trial.
    """

    def __init__(self, search: Search, write_page: Callable[[list[Trial]], None]) -> None:
        self._trials = search.trials
        self._write_page = write_page
        self._began = 0.0
        self._seconds: list[float] = []

    def on_trial_begin(self, trial: OpenTrial) -> None:
        """Print the settings of the trial."""
        self._began = time.perf_counter()
        settings = "  ".join(f"{name} {shown(value)}" for name, value in trial.settings.items())
        print(f"trial {trial.number}/{self._trials}{' goes on' if trial.resumed else ''}: {settings}", flush=True)

    @contextmanager
    def training(self, title: str, epochs: int) -> Iterator[Observer]:
        """Show the progress bars of a training."""
        print(title, flush=True)
        with ProgressBars(epochs) as bars:
            yield bars

    def on_trial_end(self, trials: list[Trial]) -> None:
        """Print the result of the trial, and how long the others may take."""
        self._write_page(trials)
        self._seconds.append(time.perf_counter() - self._began)
        trial, best = trials[-1], best_of(trials)
        folds = ", ".join(f"{value:.1%}" for value in trial.folds)
        result = f"UA {trial.value:.1%} ({folds})" if trial.value is not None else f"{trial.state}: {trial.reason}"
        ended = sum(one.state is not State.RUNNING for one in trials)
        left = (self._trials - ended) * sum(self._seconds) / len(self._seconds)
        print(
            f"trial {trial.number}/{self._trials}: {result}"
            + (f"  best {best.mean:.1%} (trial {best.number})" if best else "")
            + f"  in {duration(self._seconds[-1])}"
            + (f", about {duration(left)} to go" if left else ""),
            flush=True,
        )
