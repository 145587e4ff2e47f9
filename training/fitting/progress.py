"""Progress bars of long work, and one line for each epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from training.fitting.observer import Epoch, Observer


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )


class ProgressBars(Observer):
    """Shows a training on the terminal. Without a terminal, only the line of each epoch is printed.

    Args:
        epochs: Maximum number of epochs.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._progress = _bars()
        # Hidden until an epoch starts: the training may be complete already.
        self._all = self._progress.add_task("all epochs", total=None, visible=False)
        self._epoch: TaskID | None = None
        self._embedded: TaskID | None = None
        self._resumed = 0
        self._seconds: list[float] = []

    def __enter__(self) -> "ProgressBars":
        self._progress.start()
        return self

    def __exit__(self, *_) -> None:
        self._progress.stop()

    def on_resume(self, epoch: int) -> None:
        """Print it, and count the complete epochs."""
        self._resumed = epoch
        self._progress.console.print(f"going on after epoch {epoch} of the interrupted training", highlight=False)

    def on_embedded(self, clips: int) -> None:
        """Count the clips whose embeddings are there; how many there will be is not known."""
        if self._embedded is None:
            self._embedded = self._progress.add_task("embeddings of clips, kept for other trainings", total=None)
        self._progress.advance(self._embedded, clips)

    def on_epoch_begin(self, epoch: int, steps: int) -> None:
        """Add a bar for the epoch's steps."""
        self._progress.update(self._all, total=self._epochs * steps, visible=True)
        self._progress.advance(self._all, self._resumed * steps)
        self._resumed = 0
        self._epoch = self._progress.add_task(f"epoch {epoch}/{self._epochs}", total=steps)

    def on_step(self) -> None:
        """Advance the bars."""
        for task in (self._all, self._epoch):
            if task is not None:
                self._progress.advance(task)

    def on_epoch_end(self, row: Epoch, best: bool) -> None:
        """Print the line of the epoch."""
        if self._epoch is not None:
            self._progress.remove_task(self._epoch)
        self._seconds.append(row.seconds)
        left = (self._epochs - row.epoch) * sum(self._seconds) / len(self._seconds)
        to_go = f", at most {duration(left)} to go" if left else ""
        validation = (
            f"validation: loss {row.validation_loss:.3f}  WA {row.validation_wa:.1%}  UA {row.validation_ua:.1%}  "
            if row.validation_ua is not None
            else ""
        )
        self._progress.console.print(
            f"epoch {row.epoch:>3}  loss {row.loss:.3f}  {validation}({row.seconds:.0f} s{to_go})"
            f"{'  best' if best else ''}",
            highlight=False,
            # One line per epoch, also when a program reads the output.
            soft_wrap=True,
        )


def duration(seconds: float) -> str:
    """A duration for people: rounded to the second, the minute or the quarter of an hour."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{round(seconds / 900) / 4:g} h"


@contextmanager
def clip_bar(description: str, clips: int) -> Iterator[Callable[[int], None]]:
    """A progress bar over clips; yields the function that advances it."""
    with _bars() as progress:
        task = progress.add_task(description, total=clips)
        yield lambda count: progress.advance(task, count)
