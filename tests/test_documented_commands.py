"""The commands that the documentation shows are commands that there are."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import typer

import ser
from data_pipeline.command_line import CommandLine

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def spans(text: str) -> Iterator[str]:
    """Code between backticks, and the lines of code blocks with continued ones joined."""
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.S | re.M):
        yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M))


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of `ser`, `python -m benchmarks…` and `make` in a text."""
    for span in spans(text):
        for part in re.split(r" *(?:&&|\|\||;|&$|\$ ) *| +# .*", " ".join(span.split())):
            if re.match(r"(?:[A-Z_]+=\S* )*(ser|python -m benchmarks\.\w+|make) \S", part):
                yield [word for word in shlex.split(part) if not re.match(r"[A-Z_]+=", word)]


def command_named(words: list[str]):
    """The command that words begin with, and the words after it."""
    if words[0] == "python":
        app = CommandLine()
        app.command()(import_module(words[2]).main)
        return typer.main.get_command(app), words[3:]
    command, rest = root(), words[1:]
    while rest and hasattr(command, "list_commands"):
        found = command.get_command(None, rest[0])
        if found is None:
            break
        command, rest = found, rest[1:]
    return command, rest


@cache
def root():
    return typer.main.get_command(ser.app)


def mistakes(words: list[str]) -> list[str]:
    """What is wrong with a command: a name, an option or a target of make that there is not. Capitals stand for any."""
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M)
        return [word for word in words[1:] if word not in targets and "=" not in word]
    command, rest = command_named(words)
    known = {name for one in command.params for name in [*one.opts, *one.secondary_opts]} | {"--help"}
    if hasattr(command, "list_commands"):
        return [word for word in rest[:1] if word not in known and not word.isupper() and word != "…"]
    return [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists_with_its_options(page):
    wrong = {shlex.join(words): found for words in commands(page.read_text()) if (found := mistakes(words))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("`ser data prepare a=b out --splits fold:1/2`", ["--splits"]),
        ("```sh\nser trian mobilenet data run\n```", ["trian"]),
        ("```sh\n$ ser export run models \\\n    --named x && ser serve models  # --none\n```", ["--named"]),
        ("`CUDA_VISIBLE_DEVICES= python -m benchmarks.prepare a=b --round 3`", ["--round"]),
        ("`make demos DATA=x`", ["demos"]),
        ("`ser train NAME` `ser data …` `make demo DATA=x` `serve models --nothing`", []),
    ],
)
def test_what_is_wrong_is_found(text, wrong):
    assert [word for words in commands(text) for word in mistakes(words)] == wrong
