"""The layout of `--help`: each name on a line of its own, and below it what it means.

Typer lays options out in columns and shortens names that do not fit (`--tensorflow-intr…`), which a reader cannot type.
Names are never shortened here, however narrow the terminal is.
"""

import inspect
import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_INDENT = 2
"""Number of columns before a name; its meaning has three times as many."""


def print_help(command: Any, ctx: Any) -> None:
    """Print usage, explanation, arguments, options under their headings, and subcommands.

    Args:
        command: A command or a group of typer.
        ctx: Its context.
    """
    console = Console(highlight=False)
    console.print()
    console.print(Text(command.get_usage(ctx), style="bold", overflow="fold"))
    console.print()
    if command.help:
        console.print(Markdown(inspect.cleandoc(command.help)))
        console.print()
    for heading, parameters in _by_heading(command.get_params(ctx)).items():
        console.print(Text(heading, style="bold"))
        for parameter in parameters:
            names, meaning = parameter.get_help_record(ctx)
            console.print(Padding(Text(names, style="cyan", overflow="fold"), (0, 0, 0, _INDENT)))
            console.print(Padding(_meaning(meaning, parameter.help or ""), (0, 0, 0, 3 * _INDENT)))
        console.print()
    if commands := [command.get_command(ctx, name) for name in _subcommands(command, ctx)]:
        console.print(Text("Commands", style="bold"))
        console.print(Padding(_table(one for one in commands if not one.hidden), (0, 0, 1, _INDENT)))


def _by_heading(parameters: Iterable[Any]) -> dict[str, list[Any]]:
    """Visible parameters: arguments, options without a heading, then those under each heading."""
    found: dict[str, list[Any]] = {"Arguments": [], "Options": []}
    for parameter in parameters:
        if not parameter.hidden:
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            found.setdefault(parameter.rich_help_panel or usual, []).append(parameter)
    return {heading: those for heading, those in found.items() if those}


def _meaning(meaning: str, written: str) -> Markdown:
    """What a parameter means as Markdown, with what typer added (`[default: a_b]`) as it is."""
    added = re.sub(r"([\\`*_<>\[\]#|~])", r"\\\1", meaning.removeprefix(written).strip())
    return Markdown(f"{inspect.cleandoc(written)} {added}".strip())


def _subcommands(command: Any, ctx: Any) -> list[str]:
    return command.list_commands(ctx) if hasattr(command, "list_commands") else []


def _table(commands: Iterable[Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column()
    for command in commands:
        summary = inspect.cleandoc(command.help or "").partition("\n\n")[0]
        table.add_row(command.name, Markdown(summary))
    return table
