"""The help of every command: no name is shortened, and everything is explained."""

import re

import pytest
import typer
from typer.testing import CliRunner

import ser
from data_pipeline.command_line import CommandLine
from training.families.registry import family_names


def commands(command, path=()):
    """All commands with their paths, groups among them."""
    yield path, command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from commands(command.get_command(None, name), (*path, name))


FAMILIES = family_names()
"""As they are before a test registers one of its own."""

COMMANDS = dict(commands(typer.main.get_command(ser.app)))


def helped(app, *path: str, columns: int = 80) -> str:
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": str(columns)})
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_name_is_shortened_at_80_columns(path):
    text = helped(ser.app, *path)
    assert not re.search(r"\w…", text)
    assert max(map(len, text.splitlines())) <= 80
    names = set(re.findall(r"[\w-]+", text))
    for parameter in COMMANDS[path].params:
        assert {name for name in [*parameter.opts, *parameter.secondary_opts] if name.startswith("-")} <= names
        assert parameter.help


@pytest.mark.parametrize("path", [path for path in COMMANDS if path not in {(), ("data",), ("train",)}], ids=" ".join)
def test_arguments_options_and_an_example_are_explained(path):
    command = COMMANDS[path]
    assert "Usage:" in helped(ser.app, *path)
    if not hasattr(command, "list_commands"):
        assert re.search(r"Examples?: ", command.help), "an example shows what to type"


def demonstrated(
    a_flag_with_a_long_name_that_fills_a_narrow_terminal: str = "a_b*c",
    level: typer.models.OptionInfo = typer.Option(3, min=1, help="A `level`.", rich_help_panel="Others"),
) -> None:
    """Do something.

    Example: `demonstrated`
    """


@pytest.fixture
def app() -> CommandLine:
    app = CommandLine(add_completion=False)
    app.command()(demonstrated)
    return app


def test_a_name_stays_whole_on_a_narrow_terminal(app):
    lines = [line.strip() for line in helped(app, columns=60).splitlines()]
    assert "--a-flag-with-a-long-name-that-fills-a-narrow-terminal" in lines


def test_what_typer_adds_is_no_markdown(app):
    assert "[default: a_b*c]" in helped(app)


def test_options_stand_below_their_headings(app):
    lines = [line.strip() for line in helped(app).splitlines()]
    assert lines.index("Options") < lines.index("--help") < lines.index("Others")
    assert "A level. [default: 3; x>=1]" in lines


def test_every_family_is_among_the_commands():
    assert {("train", name) for name in FAMILIES} <= COMMANDS.keys()
