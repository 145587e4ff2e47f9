import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from tests.training.families.wav2vec2.small import SMALL
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict
from training.families.recipe import FitSettings
from training.families.transformer.head_settings import HeadSettings
from training.families.wav2vec2.family import FAMILY
from training.families.wav2vec2.recipe import PRESETS, Wav2Vec2Recipe
from training.fitting.observer import Observer
from training.fitting.train import train
from training.front_end import WaveformFrontEnd
from training.run.folder import Run

FIT = FitSettings(
    epochs=3, patience=3, batch_size=12, learning_rate=3e-3, crop_seconds=0.4, augment=PRESETS["fine-tune"].fit.augment
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=60, validation=24)


@pytest.fixture(scope="module")
def architecture(tmp_path_factory):
    path = tmp_path_factory.mktemp("architecture") / "config.json"
    # What is random while training is switched on, so that a run that goes on has to draw the same.
    path.write_text(json.dumps({**SMALL, "layerdrop": 0.1, "hidden_dropout": 0.1}))
    return path


def small(architecture, **changes):
    recipe = Wav2Vec2Recipe(architecture=architecture, learn="all", head=HeadSettings(projection=16), fit=FIT)
    return replace(recipe, **changes)


class Killer(Observer):
    """Ends a training as if the power failed, in an epoch of choice."""

    def __init__(self, epoch, step):
        self.at, self.epoch, self.step = (epoch, step), 0, 0

    def on_epoch_begin(self, epoch, steps):
        self.epoch, self.step = epoch, 0

    def on_step(self):
        self.step += 1
        if (self.epoch, self.step) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def weights(run):
    return [weight.numpy() for weight in run.recogniser().model.weights]


@pytest.fixture(scope="module")
def trained(dataset, architecture, tmp_path_factory):
    return train(FAMILY, small(architecture), dataset, tmp_path_factory.mktemp("runs") / "run")


def test_a_run_learns_and_can_be_asked(trained, dataset):
    run, best = trained
    losses = [row["loss"] for row in run.history()]
    assert losses[-1] < losses[0]
    answers = predict(Run.open(run.folder), dataset, Condition("validation"))
    np.testing.assert_allclose(answers.probabilities.sum(1), 1.0, atol=1e-5)
    right = answers.probabilities.argmax(1) == answers.truth
    recalls = [right[answers.truth == label].mean() for label in range(6)]
    assert np.mean(recalls) == pytest.approx(best.validation_ua)
    assert run.config["model"]["family"] == "wav2vec2"
    assert not run.state_file.exists()


@pytest.mark.parametrize("at", [(1, 2), (2, 1), (3, 5)])
def test_a_killed_run_goes_on_to_the_same_weights(trained, dataset, architecture, tmp_path, at):
    script = f"""
        from pathlib import Path
        from data_pipeline.dataset import Dataset
        from tests.training.families.test_wav2vec2_training import Killer, small
        from training.families.wav2vec2.family import FAMILY
        from training.fitting.train import train
        train(FAMILY, small(Path({str(architecture)!r})), Dataset.open({str(dataset.folder)!r}), Path({str(tmp_path / "run")!r}), Killer{at})
    """  # noqa: E501
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    resumed, best = train(FAMILY, small(architecture), dataset, tmp_path / "run")
    whole, best_of_whole = trained
    assert best.epoch == best_of_whole.epoch
    # On a machine with other work, TensorFlow's threads add up some of this network's gradients in another order.
    # Whatever was forgotten would show a hundred times as much: a step moves most weights by about its rate, 3e-3.
    for mine, its in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=2e-5)
    losses = [[row["loss"] for row in run.history()] for run in (resumed, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_folder_with_another_training_is_left_alone(trained, dataset, architecture):
    run, _ = trained
    with pytest.raises(UserError, match="finished"):
        train(FAMILY, small(architecture), dataset, run.folder)
    with pytest.raises(UserError, match="choose another folder"):
        train(FAMILY, small(architecture, layer_decay=0.5), dataset, run.folder)
    assert (run.folder / "model.keras").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "bfloat16"},
        {"precision": "float16", "head_scale": 1.0},
        {"fit": replace(FIT, accumulate=2, schedule="constant")},
        {"rematerialise": True},
        {"learn": "encoder", "layer_decay": 0.5},
    ],
    ids=["bfloat16", "float16", "accumulated", "rematerialised", "layer-wise"],
)
def test_every_way_to_train_lowers_the_loss(dataset, architecture, tmp_path, changes):
    run, _ = train(FAMILY, small(architecture, **changes), dataset, tmp_path / "run")
    losses = [row["loss"] for row in run.history()]
    assert losses[-1] < losses[0]


def test_accumulated_gradients_of_small_batches_are_those_of_a_large_one(dataset, tmp_path):
    calm = tmp_path / "config.json"
    off = dict.fromkeys(["hidden_dropout", "attention_dropout", "activation_dropout", "layerdrop"], 0.0)
    calm.write_text(json.dumps({**SMALL, **off, "apply_spec_augment": False, "num_hidden_layers": 1}))
    once = replace(FIT, epochs=1, batch_size=30, schedule="constant", keep="last")
    head = HeadSettings(projection=16, dropout=0.0)
    models = [
        train(FAMILY, small(calm, head=head, fit=fit), dataset, tmp_path / str(fit.batch_size))[0].recogniser().model
        for fit in (once, replace(once, batch_size=10, accumulate=3))
    ]
    for whole, parts in zip(*(model.weights for model in models), strict=True):
        # What is added to all keys alike changes no answer: its gradient is rounding, which Adam makes large.
        if not whole.path.endswith("key/bias"):
            # Adam moves every number by about the learning rate.
            np.testing.assert_allclose(parts.numpy(), whole.numpy(), rtol=0, atol=0.01 * once.learning_rate)


def test_batches_have_few_lengths_where_each_is_compiled(dataset):
    clips = WaveformFrontEnd().batches(dataset, "validation", batch_size=5)
    remainders = {features["waveform"].shape[1] % 8_000 for features, _ in clips}
    if keras.backend.backend() == "jax":
        assert remainders == {0}
    else:
        assert len(remainders) > 1


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_training_on_jax_passes_the_same_tests():
    pytest.importorskip("jax")
    command = [sys.executable, "-m", "pytest", "-q", "--timeout=1800", __file__]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_presets_are_what_they_say():
    study = PRESETS["study"]
    assert (study.fit.crop_seconds, study.fit.learning_rate, study.fit.batch_size) == (2.0, 1e-5, 32)
    assert (study.fit.epochs, study.fit.schedule, study.head.dropout) == (10, "constant", 0.5)
    assert PRESETS["lora"].learn == "lora"
    assert PRESETS["frozen"].learn == "head"


def ask(*arguments):
    return CliRunner().invoke(ser.app, ["train", "wav2vec2", *map(str, arguments)])


def test_the_command_trains_from_a_checkpoint_folder(dataset, tmp_path):
    from safetensors.numpy import save_file

    from training.families.wav2vec2.backbone import Wav2Vec2Backbone
    from training.families.wav2vec2.settings import Wav2Vec2Settings
    from training.families.wav2vec2.state import state_arrays

    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(SMALL))
    save_file(state_arrays(Wav2Vec2Backbone(Wav2Vec2Settings.from_config(SMALL))), folder / "model.safetensors")
    options = ("--preset", "lora", "--lora-rank", 2, "--epochs", 1, "--batch-size", 30, "--crop-seconds", 0.3)
    said = ask(dataset.folder, tmp_path / "run", "--checkpoint", folder, *options)
    assert said.exit_code == 0, said.output
    run = Run.open(tmp_path / "run")
    assert run.config["weights"]["checkpoint"] == str(folder)
    assert (run.config["learn"], run.config["fit"]["epochs"]) == ("lora", 1)
    assert "best epoch 1" in said.output


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "--checkpoint"),
        (["--checkpoint", "no/such/folder/at/all"], "no/such/folder"),
        (["--preset", "magic", "--checkpoint", "x"], "preset"),
        (["--architecture", "absent.json"], "absent.json"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(dataset, tmp_path, monkeypatch, options, named):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    said = ask(dataset.folder, tmp_path / "run", *options)
    assert said.exit_code != 0
    # What typer refuses itself is printed, and ends with status 2.
    assert named in (said.output if said.exit_code == 2 else str(said.exception))
    assert not isinstance(said.exception, (TypeError, KeyError, AttributeError))
    assert not (tmp_path / "run").exists()
