import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data_pipeline.prepared import write_dataset

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "benchmarks.features", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_says_how_to_run_it():
    done = run("--help")

    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_compares_times_and_accuracies(tmp_path):
    pytest.importorskip("sklearn")
    write_dataset(tmp_path / "data")
    out = tmp_path / "out.json"

    done = run(tmp_path / "data", "--clips", 6, "--rounds", 1, "--accuracy", "--json", out)

    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text())
    spent = figures["milliseconds_per_clip"]
    assert figures["clips"] == 6
    assert figures["study_ratio"] == pytest.approx(spent["librosa, feature by feature"] / spent["study"])
    assert figures["functionals_ratio"] > figures["study_ratio"] > 0
    assert figures["accuracy_percent"]["functionals"] > 50
    assert "at least 1.4" in done.stdout
    assert "at least 8" in done.stdout


def test_a_wrong_path_is_one_line(tmp_path):
    done = run(tmp_path / "nowhere")

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1
