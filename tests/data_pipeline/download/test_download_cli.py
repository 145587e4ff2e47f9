"""`ser data download` as a user types it."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from data_pipeline.cli.download import download
from data_pipeline.errors import UserError
from tests.data_pipeline.download.http_server import serving
from tests.data_pipeline.download.test_download import CREMA_D, clips, put_crema_d

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(download)
    return app


@pytest.fixture
def site():
    with serving() as site:
        put_crema_d(site, clips(6))
        yield site


def run(app, *arguments):
    """The output of a command that succeeds; a `UserError` comes through, as `ser.main` gets it."""
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_download_says_licence_place_and_next_command(app, site, tmp_path):
    output = run(app, "crema_d", tmp_path / "corpus", "--yes", "--mirror", site.url)

    assert "licence: Open Database License 1.0" in output
    assert "https://github.com/CheyneyComputerScience/CREMA-D" in output
    assert "checked against the SHA-256" in output
    assert f"10 files, 0.0 MB: {tmp_path / 'corpus'}" in output
    assert output.endswith(f"next: ser data prepare crema_d={tmp_path / 'corpus'} OUT\n")


def test_a_second_run_says_that_there_is_nothing_to_do(app, site, tmp_path):
    run(app, "crema_d", tmp_path, "--yes", "--mirror", site.url)

    assert "nothing to do" in run(app, "crema_d", tmp_path, "--yes", "--mirror", site.url)


def test_clips_that_could_not_be_had_are_listed(app, site, tmp_path):
    lost = f"{CREMA_D}/AudioWAV/1001_IEO_ANG_XX.wav"
    del site.files[lost]

    output = run(app, "crema_d", tmp_path, "--yes", "--mirror", site.url)

    assert "could not be downloaded, 1 in all:\n  AudioWAV/1001_IEO_ANG_XX.wav is not on the server (404)\n" in output


def test_without_a_terminal_the_licence_is_accepted_by_an_option(app, site, tmp_path):
    with pytest.raises(UserError, match="no terminal to ask at: read it and add --yes"):
        run(app, "crema_d", tmp_path, "--mirror", site.url)
    assert site.requests == []


@pytest.mark.parametrize(("answer", "accepted"), [(b"y\n", True), (b"n\n", False)])
def test_at_a_terminal_the_licence_is_asked_about(site, tmp_path, answer, accepted):
    code = "import typer; from data_pipeline.cli.download import download; typer.run(download)"
    keyboard, terminal = pty.openpty()
    try:
        os.write(keyboard, answer)
        result = subprocess.run(
            [sys.executable, "-c", code, "crema_d", tmp_path / "corpus", "--mirror", site.url],
            cwd=ROOT,
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)

    assert "Do you accept the licence?" in result.stdout
    assert (result.returncode == 0) == accepted, result.stderr
    assert (tmp_path / "corpus").exists() == accepted
    assert (site.requests != []) == accepted


def test_savee_says_how_to_register(app, tmp_path):
    with pytest.raises(UserError, match="register at"):
        run(app, "savee", tmp_path, "--yes")


def test_the_command_is_described_without_heavy_imports():
    code = (
        "import sys, data_pipeline.cli.download; "
        "print(sorted({'tensorflow', 'numpy', 'requests', 'rich.progress'} & sys.modules.keys()))"
    )

    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert output.stdout == "[]\n"


def test_an_interrupted_command_stops_at_once_and_says_how_to_go_on(site, tmp_path):
    for name in clips(6):
        site.files[f"{CREMA_D}/AudioWAV/{name}.wav"].delay = 20.0
    # As on a terminal: what runs in the background of a script has inherited that interrupts are ignored.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import typer; from data_pipeline.cli.download import download; typer.run(download)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "crema_d", tmp_path, "--yes", "--mirror", site.url],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not any(path.endswith(".wav") for path in site.counts()):
        assert time.monotonic() < deadline
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    interrupted = time.monotonic()
    _, said = process.communicate(timeout=30)

    assert time.monotonic() - interrupted < 5
    assert process.returncode == 130
    assert said == "stopped; the same command goes on from here\n"
