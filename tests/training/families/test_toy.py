"""Another family of models, from one file: everything that the project does with a family works with it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import ser
from serving.client import EmotionClient, Samples
from serving.server.local_server import LocalServer
from tests.data_pipeline.prepared import write_dataset
from tests.training.families import toy
from tests.voice import voice
from training.run.folder import Run

ROOT = Path(__file__).parents[3]


def ask(*arguments):
    """`ser` with the family; returns what it printed."""
    done = CliRunner().invoke(ser.app, list(map(str, arguments)), env={"COLUMNS": "200"}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def weights(folder):
    return [weight.numpy() for weight in Run.open(folder).recogniser().model.weights]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "dataset"
    write_dataset(folder, train=48, validation=24, speakers=4, seconds=(0.3, 0.5))
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "toy"
    ask("train", "toy", data, folder, "--seed", 3, "--crop-seconds", 0.3)
    return folder


def test_its_help_has_the_settings_with_their_defaults():
    text = ask("train", "toy", "--help")
    assert "Dropout rate of the mean frame." in text
    assert "5; fast: 2" in text
    assert "<plain|fast>" in text
    assert "toy" in ask("train", "--help")


def test_a_killed_training_goes_on_to_the_same_weights(data, tmp_path):
    options = ["--epochs", "12", "--patience", "12", "--crop-seconds", "0.3"]
    ask("train", "toy", data, tmp_path / "whole", *options)
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", toy.__name__, "train", "toy", str(data), str(folder), *options]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    history = folder / "history.csv"
    # With the second row in the history, the state of the first epoch is written.
    while not history.exists() or len(history.read_text().splitlines()) < 3:
        assert child.poll() is None
        time.sleep(0.02)
    child.kill()
    child.wait()
    assert (folder / "state.npz").exists(), "the training was over before it was killed"
    assert "after epoch" in ask("train", "toy", data, folder, *options)
    for mine, its in zip(weights(folder), weights(tmp_path / "whole"), strict=True):
        # On a machine with other work, TensorFlow's threads may add up gradients in another order.
        np.testing.assert_allclose(mine, its, rtol=0, atol=2e-5)


def test_it_is_evaluated_and_calibrated(run, data):
    ask("calibrate", run, data)
    assert json.loads((run / "calibration.json").read_text())["clips"] == 24
    ask("evaluate", run, data)
    metrics = json.loads((run / "metrics.json").read_text())["validation"]
    assert metrics["wa"] > 0.4, "tones of six pitches are told apart"
    assert (run / "report.html").exists()
    assert "toy" in (run / "model_card.md").read_text()


def test_it_is_tuned(data, tmp_path):
    options = ["--trials", 2, "--folds", 2, "--epochs", 2]
    ask("tune", "toy", data, tmp_path / "tuned", *options)
    best = json.loads((tmp_path / "tuned" / "best.json").read_text())
    assert best["model"]["family"] == "toy"
    ask("train", "toy", data, tmp_path / "run", "--config", tmp_path / "tuned" / "best.json")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["fit"] == best["fit"]
    ask("train", "from", tmp_path / "run", tmp_path / "again")
    for mine, its in zip(weights(tmp_path / "again"), weights(tmp_path / "run"), strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=2e-5)


def test_it_is_pooled_with_another_family_exported_served_and_asked(run, data, tmp_path):
    (tmp_path / "cnn.toml").write_text("[model]\nfilters = [4, 8]\nwindow_frames = 48\nhidden = 8\n")
    ask("train", "cnn", data, tmp_path / "cnn", "--config", tmp_path / "cnn.toml", "--epochs", 1)
    ask("ensemble", run, tmp_path / "cnn", "--folds", 2, "--output", tmp_path / "both")
    ask("evaluate", tmp_path / "both", data)
    for name, folder in (("toy", run), ("both", tmp_path / "both")):
        ask("export", folder, tmp_path / "models", "--name", name)
    # As the client sends it.
    clip = np.round(voice(0.8) * 32_768).astype(np.float32) / 32_768
    with LocalServer.start(tmp_path / "models", port=0) as server:
        for name, folder in (("toy", run), ("both", tmp_path / "both")):
            with EmotionClient(server.address, name) as client:
                answer = client.recognise(Samples(clip, 16_000))
            expected = Run.open(folder).recogniser()(clip[None], np.array([len(clip)], np.int32)).numpy()[0]
            np.testing.assert_allclose(list(answer.probabilities.values()), expected, atol=1e-4)
