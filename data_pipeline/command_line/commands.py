"""Groups of commands with the help of `help_page`."""

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

# Typer has its own copy of click, so that contexts and commands have no public type.


class Command(TyperCommand):
    """A command whose help shows every name whole."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  the formatter lays out plain text
        """Print the help."""
        # Loads rich, which only help needs.
        from data_pipeline.command_line.help_page import print_help

        print_help(self, ctx)


class Group(TyperGroup):
    """A group of commands whose help shows every name whole."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  the formatter lays out plain text
        """Print the help."""
        from data_pipeline.command_line.help_page import print_help

        print_help(self, ctx)


class CommandLine(typer.Typer):
    """Commands, and groups of them, that explain themselves in Markdown.

    Args:
        cls: Class of the group.
        settings: As of `typer.Typer`.
    """

    def __init__(self, *, cls: type[TyperGroup] = Group, **settings: Any) -> None:
        super().__init__(cls=cls, rich_markup_mode="markdown", **settings)

    def command(self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **settings: Any) -> Any:
        """Add a function as a command; see `typer.Typer.command`."""
        return super().command(name, cls=cls or Command, **settings)
