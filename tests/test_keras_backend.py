"""The user's own settings of Keras: a backend that cannot be used is named, and the other settings change nothing."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import ser
from data_pipeline.errors import UserError
from serving.export.saved_model import export_model
from tests.data_pipeline.prepared import write_dataset
from training.run.folder import Run

ROOT = Path(ser.__file__).parent

MISSING = [name for name in ("jax", "torch") if importlib.util.find_spec(name) is None]


def run(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "ser", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def sentence_of(done: subprocess.CompletedProcess) -> str:
    [line] = done.stderr.splitlines()
    assert (done.returncode, line.startswith("error: ")) == (1, True)
    return line


@pytest.mark.skipif(not MISSING, reason="all backends of Keras are installed")
def test_a_backend_that_is_not_installed_is_named(tmp_path):
    line = sentence_of(run("evaluate", tmp_path, tmp_path, KERAS_BACKEND=MISSING[0]))

    assert f"KERAS_BACKEND names the backend {MISSING[0]} for Keras, which is not installed" in line
    assert "set KERAS_BACKEND=tensorflow" in line


@pytest.mark.parametrize("command", [["evaluate", "x", "x"], ["export", "x", "x"], ["train", "cnn", "x", "y"]])
def test_a_backend_that_is_none_is_named(command, tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "theano"}))

    line = sentence_of(run(*command, KERAS_HOME=str(tmp_path), KERAS_BACKEND=""))

    assert f"{tmp_path}/keras.json names the backend 'theano' for Keras: choose one of tensorflow, jax, torch" in line


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"floatx": "bfloat16"}, "has the floatx 'bfloat16': write one of float16, float32, float64"),
        (["tensorflow"], "is no JSON object: mend or remove it"),
    ],
)
def test_settings_that_keras_refuses_are_named(settings, reason, tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps(settings))

    line = sentence_of(run("evaluate", "x", "x", KERAS_HOME=str(tmp_path)))

    assert line == f"error: {tmp_path}/keras.json {reason}"


def test_commands_without_a_network_do_not_ask_for_a_backend():
    assert run("data", "list", KERAS_BACKEND="theano").returncode == 0


def test_other_settings_of_keras_change_nothing(tmp_path):
    data = write_dataset(tmp_path / "data", train=12, validation=12).folder
    settings = {"floatx": "float64", "image_data_format": "channels_first", "epsilon": 0.1}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    (tmp_path / "small.toml").write_text("[model]\nfilters = [4, 8]\n")
    small = ["--config", tmp_path / "small.toml", "--epochs", "1", "--batch-size", "6", "--crop-seconds", "0.3"]

    for name, environment in (("plain", {}), ("own", {"KERAS_HOME": str(tmp_path)})):
        done = run("train", "cnn", data, tmp_path / name, *small, **environment)
        assert done.returncode == 0, done.stderr

    plain, own = (Run.open(tmp_path / name).recogniser().model.weights for name in ("plain", "own"))
    for one, other in zip(plain, own, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_an_export_on_another_backend_says_what_to_set(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")

    with pytest.raises(UserError, match=r"an export needs TensorFlow, .* computes with jax here: set KERAS_BACKEND="):
        export_model(None, tmp_path / "models", "ser")
    assert not (tmp_path / "models").exists()
