"""`ser data plot` as a user types it."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from data_pipeline.cli.plot import plot
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("plot") / "data", train=12, validation=6).folder


def run(*arguments) -> str:
    """The output of a command that succeeds; a `UserError` comes through, as `ser.main` gets it."""
    app = typer.Typer()
    app.command()(plot)
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "80"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_it_says_where_the_figures_and_the_page_are(data, tmp_path):
    output = run(data, tmp_path / "plots", "--split", "train", "--seed", 3)

    figures = len(list((tmp_path / "plots").glob("*.png")))
    assert f"{figures} figures in {tmp_path / 'plots'}\npage: {tmp_path / 'plots' / 'index.html'}\n" in output
    assert figures >= 4
    assert "synthetic: the train split" in (tmp_path / "plots" / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "plots"), "nowhere holds no prepared dataset"),
        (("{data}", "plots", "--split", "training"), "'training' is no split; choose one of all, train"),
        (("{data}", "plots", "--split", "test"), "has no test clips"),
        (("{data}", "file"), "file is a file: give a folder"),
        (("{data}", "file/plots"), "file/plots cannot be made"),
    ],
)
def test_wrong_requests_are_errors_for_the_user(data, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()

    with pytest.raises(UserError, match=message):
        run(*(argument.format(data=data) for argument in arguments))
    assert not Path("plots").exists()
    assert Path("file").read_bytes() == b""


def test_help_teaches_and_imports_nothing_heavy():
    program = (
        "import sys, typer\n"
        "from typer.testing import CliRunner\n"
        "from data_pipeline.cli.plot import plot\n"
        "app = typer.Typer()\n"
        "app.command()(plot)\n"
        "print(CliRunner().invoke(app, ['--help'], env={'COLUMNS': '200'}).output)\n"
        "print('heavy:', sorted({'tensorflow', 'numpy', 'matplotlib', 'soundfile'} & sys.modules.keys()))\n"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "ser data plot out/data out/plots" in done.stdout
    assert "heavy: []" in done.stdout
