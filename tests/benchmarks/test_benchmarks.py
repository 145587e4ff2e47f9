"""Benchmarks run on small data and tell what they measured; how fast anything is they find out where they are run."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.data_pipeline.prepared import write_dataset
from tests.training.families.wav2vec2.small import SMALL
from tests.voice import voice

ROOT = Path(__file__).parent.parent.parent


def run(module: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def without_tensorflow(tmp_path, monkeypatch):
    """What is run then finds no TensorFlow, nor do its children."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "tensorflow.py").write_text("raise ImportError('there is no TensorFlow here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"), prepend=os.pathsep)


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "crema_d"
    folder.mkdir()
    for seed, (actor, emotion) in enumerate(itertools.product(("1001", "1002", "1015"), ("ANG", "HAP"))):
        soundfile.write(folder / f"{actor}_IEO_{emotion}_XX.wav", voice(0.5, seed=seed), 16_000)
    return folder


SCRIPTS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text())


@pytest.mark.parametrize("module", SCRIPTS)
def test_help_says_what_is_claimed_and_compared_and_how_to_run_it(module):
    done = run(module, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    assert f"Usage: python -m benchmarks.{module} " in text
    assert f"python -m benchmarks.{module}" in text.partition(" Example")[2]
    # The page that it names has the command beside the claim.
    page = ROOT / re.search(r"docs/\w+\.md", text)[0]
    assert f"benchmarks.{module}" in page.read_text()
    assert len(text.partition(" Example")[0].split()) > 15, "a sentence or two on what is compared"
    lines = done.stdout.splitlines()
    names = [number for number, line in enumerate(lines) if line.startswith("  ") and line[2] != " "]
    assert all(lines[number + 1].startswith("      ") for number in names), "each argument and option is explained"


def test_prepare_against_librosa(corpus, tmp_path):
    done = run("prepare", f"crema_d={corpus}", "--rounds", 1, "--least-clips", 12, "--json", tmp_path / "out.json")

    assert done.returncode == 0, done.stderr
    (figures,) = json.loads((tmp_path / "out.json").read_text())
    assert figures["clips"] == 12
    assert figures["audio_seconds"] == pytest.approx(6.0)
    assert figures["ratio"] == pytest.approx(figures["librosa_seconds"] / figures["prepare_seconds"])
    assert "ratio" in done.stdout


def test_memory_of_prepare(corpus, tmp_path):
    done = run("prepare_memory", f"crema_d={corpus}", "--clips", 30, "--json", tmp_path / "out.json")

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text())["most_bytes"] > 10e6


def test_log_mels_against_librosa(tmp_path):
    write_dataset(tmp_path / "data")

    done = run("log_mel", tmp_path / "data", "--json", tmp_path / "out.json")

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text())
    assert "ratio" in done.stdout


@pytest.mark.parametrize("module", ["prepare", "log_mel"])
def test_a_wrong_path_is_one_line(module, tmp_path):
    done = run(module, f"crema_d={tmp_path}/nowhere" if module == "prepare" else tmp_path / "nowhere")

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_training_step_against_the_reference(backend, tmp_path, monkeypatch):
    for package in ("torch", "transformers", backend):
        pytest.importorskip(package)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    size = ("--clips", 2, "--seconds", 0.5, "--rounds", 1, "--architecture", tmp_path / "config.json")

    done = run("wav2vec2_training", *size, "--json", tmp_path / "out.json")

    assert done.returncode == 0, done.stderr
    measured = json.loads((tmp_path / "out.json").read_text())
    assert [figures["learn"] for figures in measured] == ["encoder", "all"]
    for figures in measured:
        ours, reference = figures["milliseconds"].values()
        assert figures["ratio"] == pytest.approx(reference / ours)
        assert all(losses[-1] < losses[0] for losses in figures["losses"].values())


@pytest.mark.slow
@pytest.mark.usefixtures("without_tensorflow")
def test_a_training_step_needs_tensorflow_only_where_keras_computes_with_it(tmp_path, monkeypatch):
    for package in ("torch", "transformers", "jax"):
        pytest.importorskip(package)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    size = ("--clips", 1, "--seconds", 0.5, "--rounds", 1, "--architecture", tmp_path / "config.json")

    done = run("wav2vec2_training", *size, "--precision", "bfloat16", "--learn", "all")

    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("without_tensorflow")
def test_the_network_and_its_optimiser_need_no_tensorflow_on_jax(monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    modules = "training.families.wav2vec2, training.fitting.adamw, training.accelerator, benchmarks.wav2vec2_training"

    done = subprocess.run(
        [sys.executable, "-c", f"import {modules}"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_an_architecture_that_cannot_be_read_is_one_line(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "config.json").write_text("[]")

    done = run("wav2vec2_training", "--architecture", tmp_path / "config.json")

    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
