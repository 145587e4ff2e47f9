"""Run a benchmark from the command line and print its figures."""

import inspect
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import quiet_tensorflow
from data_pipeline.command_line import CommandLine
from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import write_text

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH = 200
"""Width in characters of the widest table."""


def run(command: Callable[..., None]) -> None:
    """Run the command of a benchmark, without TensorFlow's lines. A `UserError` becomes one line and exit status 1."""
    quiet_tensorflow.hush()
    app = CommandLine(add_completion=False)
    needs_some = any(one.default is one.empty for one in inspect.signature(command).parameters.values())
    app.command(no_args_is_help=needs_some)(command)
    try:
        app()
    except UserError as error:
        sys.exit(f"error: {error}")


def console() -> "Console":
    """The terminal. If the output is a file, it is wide enough for tables, which rich would cut to 80 characters."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def show(
    title: str,
    headings: Sequence[str],
    rows: Sequence[tuple[str, tuple[float, ...]]],
    verdict: str,
    figures: dict[str, Any] | list[dict[str, Any]],
    json_file: Path | None,
) -> None:
    """Print a table and a line below it, and write the figures to a file if one is given.

    Args:
        title: Title above the table.
        headings: Headings of the columns; the first column holds names.
        rows: For each row its name and its numbers, one for each further column.
        verdict: Text below the table.
        figures: Figures to write as JSON.
        json_file: File to write, or None.

    Raises:
        UserError: If the file cannot be written.
    """
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    for name, numbers in rows:
        table.add_row(name, *(f"{number:,.0f}" if number >= 100 else f"{number:.3g}" for number in numbers))
    console().print(table)
    typer.echo(verdict)
    if json_file:
        write_text(json_file, json.dumps(figures, indent=2) + "\n")
        typer.echo(f"written: {json_file}")
