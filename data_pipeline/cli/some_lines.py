"""A list on the terminal of which only the beginning is shown."""

import typer

_SHOWN = 20


def list_some(heading: str, lines: list[str], rest: str) -> None:
    """Print a heading and the first lines below it; nothing if there are none.

    Args:
        heading: With `{}` for how many lines there are.
        lines: All of them.
        rest: Where the others are, worded to follow `and 5 more`: `in dataset.json`.
    """
    if not lines:
        return
    typer.echo(heading.format(len(lines)))
    for line in lines[:_SHOWN]:
        typer.echo(f"  {line}")
    if len(lines) > _SHOWN:
        typer.echo(f"  and {len(lines) - _SHOWN} more {rest}")
