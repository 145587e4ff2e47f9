"""The commands and flags that there were, and the flags that settings declare."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

import ser
from training.cli.settings_table import settings_page

ROOT = Path(__file__).parents[3]

KEPT = json.loads(Path(__file__).with_name("kept_flags.json").read_text())
"""For each command, its flags and arguments when flags were first made from the settings' declarations."""


def commands(command, path):
    """All commands below a group, with their flags and arguments."""
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from commands(command.get_command(None, name), [*path, name])
    else:
        options = [flag for one in command.params for flag in [*one.opts, *one.secondary_opts]]
        yield " ".join(path), {flag if flag.startswith("-") else flag.upper() for flag in options}


def test_every_command_and_flag_of_before_exists():
    now = dict(commands(typer.main.get_command(ser.app), ["ser"]))
    lost = {command: sorted(set(flags) - now.get(command, set())) for command, flags in KEPT.items()}
    assert {command: flags for command, flags in lost.items() if flags} == {}


def test_help_shows_what_each_preset_has(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = CliRunner().invoke(ser.app, ["train", "mobilenet", "--help"]).output
    assert "16; telephone: 30, listeners: 36, scratch: 20" in text
    assert "0.0005; scratch: 0.002" in text
    assert "--preset" in text
    assert "<plain|telephone|listeners|scratch>" in text


def test_a_flag_out_of_its_range_is_refused_before_anything_is_read():
    for flag, value in (("--epochs", "0"), ("--telephone", "1.5"), ("--keep", "first"), ("--preset", "loud")):
        done = CliRunner().invoke(ser.app, ["train", "mobilenet", "nowhere", "run", flag, value])
        assert done.exit_code == 2
        assert flag in done.output


def test_the_page_of_settings_is_that_of_the_declarations():
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page == settings_page(), "run `make docs`"
    for setting in ("`fit.epochs` | `--epochs` | 16; telephone: 30", "`fit.augment.noise_snr` |  | 5,30 |"):
        assert setting in page
