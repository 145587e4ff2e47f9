"""The progress bar of the commands that go through clips."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


def clip_progress(unit: str = "clips") -> "Progress":
    """A bar with counts, the time left and the time taken.

    Args:
        unit: What is counted.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, left"),
        TimeRemainingColumn(),
        TextColumn("taken"),
        TimeElapsedColumn(),
    )
