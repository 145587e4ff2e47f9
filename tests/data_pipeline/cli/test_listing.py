"""`ser data list`."""

import re

import pytest
import typer
from typer.testing import CliRunner

from data_pipeline.cli.listing import list_corpora
from data_pipeline.corpora import CORPORA, open_corpus


@pytest.fixture(scope="module")
def output() -> str:
    app = typer.Typer()
    app.command()(list_corpora)
    result = CliRunner().invoke(app)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_is_there_with_all_that_is_known_of_it(output, name):
    corpus = open_corpus(name)
    start = re.search(rf"^{name} ", output, re.MULTILINE).start()
    part = " ".join(output[start:].split("\n\n")[0].split())

    for fact in (
        corpus.title,
        corpus.size,
        corpus.speakers,
        corpus.language,
        corpus.licence,
        corpus.url,
        corpus.caution,
    ):
        assert fact in part
    assert ", ".join(corpus.emotions) in part


def test_lines_fit_a_terminal_and_links_stay_whole(output):
    assert max(map(len, output.splitlines())) <= 80
    for name in CORPORA:
        assert open_corpus(name).url in output


def test_a_pipe_gets_plain_text(output):
    assert output.isascii()
    assert "\x1b" not in output
