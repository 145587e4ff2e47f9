"""What several commands show on the terminal: a progress bar, and long lists cut short."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


_SHOWN = 20


def clip_progress(unit: str = "clips") -> "Progress":
    """A progress bar with counts, the time left and the time taken.

    Args:
        unit: Name of what is counted.
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


def list_some(heading: str, lines: list[str], rest: str) -> None:
    """Print a heading and the first lines of a list; nothing if the list is empty.

    Args:
        heading: Heading with `{}` for the number of lines.
        lines: All lines.
        rest: Where the other lines are, worded to follow `and 5 more`: `in dataset.json`.
    """
    if not lines:
        return
    typer.echo(heading.format(len(lines)))
    for line in lines[:_SHOWN]:
        typer.echo(f"  {line}")
    if len(lines) > _SHOWN:
        typer.echo(f"  and {len(lines) - _SHOWN} more {rest}")
