import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import ser
from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from tests.data_pipeline.prepared import write_dataset
from tests.training.families.wav2vec2.small import SMALL
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.families.functionals.recipe import FunctionalsRecipe, FunctionalsSettings
from training.families.mobilenet.recipe import MobileNetRecipe, MobileNetSettings
from training.families.recipe import FitSettings
from training.families.registry import family_named, family_of, recipe_of
from training.families.settings_file import read_settings_file
from training.families.transformer.head_settings import HeadSettings
from training.families.wav2vec2.recipe import Wav2Vec2Recipe
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.fitting.observer import Epoch
from training.fitting.progress import ProgressBars, duration
from training.fitting.train import train
from training.run.folder import Run

FIT = FitSettings(
    epochs=1,
    batch_size=12,
    crop_seconds=0.3,
    seed=5,
    augment=AugmentSettings(noise=0.5, noise_snr=(5.0, 20.0), telephone=0.5, telephone_laws=("alaw",)),
)
TARGET = Target(("anger", "neutral", "fear"))

RECIPES = {
    "mobilenet": MobileNetRecipe(
        model=MobileNetSettings(alpha=0.125, window_frames=48, hidden=8, pooling="attentive"),
        layer_decay=0.9,
        fit=FIT,
        target=TARGET,
    ),
    "cnn": CnnRecipe(model=CnnSettings((4, 8), window_frames=48, hidden=8), fit=FIT, target=TARGET),
    "functionals": FunctionalsRecipe(
        model=FunctionalsSettings(hidden=8),
        fit=replace(FIT, augment=replace(FIT.augment, band_masks=0, frame_masks=0)),
        target=TARGET,
    ),
    "wav2vec2": Wav2Vec2Recipe(
        architecture=Wav2Vec2Settings.from_config({**SMALL, "layerdrop": 0.1}),
        learn="all",
        head=HeadSettings(projection=8),
        fit=replace(FIT, augment=AugmentSettings(band_masks=0, frame_masks=0, mixup=0.0)),
        target=TARGET,
    ),
}


def ask(*arguments):
    return CliRunner().invoke(ser.app, ["train", *map(str, arguments)])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=24, validation=12)


@pytest.fixture(scope="module", params=tuple(RECIPES))
def run(request, dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    trained, _ = train(family_named(request.param), RECIPES[request.param], dataset, folder)
    return trained


def test_a_run_tells_the_recipe_that_it_was_trained_by(run):
    config = json.loads((run.folder / "config.json").read_text())
    family = family_of(config)
    assert recipe_of(config) == RECIPES[family.name]


def test_a_run_can_be_repeated_from_its_folder_to_the_same_weights(run, dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = ask("from", run.folder, "again")
    assert done.exit_code == 0, done.output
    again = Run.open(tmp_path / "again")
    assert again.config == run.config
    for mine, its in zip(again.recogniser().model.weights, run.recogniser().model.weights, strict=True):
        # On a machine with other work, TensorFlow's threads may add up gradients in another order.
        np.testing.assert_allclose(mine.numpy(), its.numpy(), rtol=0, atol=2e-5)
    # What TensorBoard is to draw.
    [events] = (tmp_path / "again" / "tensorboard").iterdir()
    assert b"validation/UA" in events.read_bytes()
    assert "at most" not in done.output
    assert "finished" in str(ask("from", run.folder).exception)


def test_every_preset_survives_its_way_through_a_file():
    for name in RECIPES:
        family = family_named(name)
        for preset, recipe in family.presets.items():
            assert family.recipe({}, preset) == recipe
            assert family.recipe({"preset": preset}) == recipe


def test_what_a_file_states_counts_more_than_the_preset():
    stated = {
        "preset": "telephone",
        "weights": "yamnet.h5",
        "labels": ["anger", "fear"],
        "label_kind": "voted",
        "model": {"hidden": 64},
        "fit": {"epochs": 3, "learning_rate": 1, "augment": {"noise_snr": [0, 10]}},
    }
    recipe = family_named("mobilenet").recipe(stated)
    preset = family_named("mobilenet").presets["telephone"]
    assert recipe.weights == Path("yamnet.h5")
    assert recipe.target == Target(("anger", "fear"), "voted")
    assert recipe.model == replace(preset.model, hidden=64)
    augment = replace(preset.fit.augment, noise_snr=(0.0, 10.0))
    assert recipe.fit == replace(preset.fit, epochs=3, learning_rate=1.0, augment=augment)
    checkpoint = {"weights": {"checkpoint": "owner/name", "revision": "abc"}, "model": {"head": {"dropout": 0.5}}}
    recipe = family_named("wav2vec2").recipe(checkpoint)
    assert (recipe.checkpoint, recipe.revision, recipe.architecture) == ("owner/name", "abc", None)
    assert recipe.head.dropout == 0.5


@pytest.mark.parametrize(
    ("family", "stated", "words"),
    [
        ("mobilenet", {"preset": "loud"}, "preset must be one of plain, telephone, listeners, scratch, not 'loud'"),
        ("mobilenet", {"model": {"family": "cnn"}}, "this is the configuration of a cnn: use `ser train cnn`"),
        ("mobilenet", {"model": "wide"}, "model is 'wide': give an object"),
        ("mobilenet", {"model": {"body": "resnet"}}, "model.body is 'resnet': give 'audioset' or 'imagenet'"),
        ("mobilenet", {"fit": {"epoch": 3}}, "fit.epoch is not a setting: choose one of fit.epochs, "),
        ("mobilenet", {"fit": {"epochs": 2.5}}, "fit.epochs is 2.5: give a whole number"),
        ("mobilenet", {"fit": {"epochs": True}}, "fit.epochs is True: give a whole number"),
        ("mobilenet", {"fit": {"augment": {"noise_snr": [1]}}}, r"noise_snr is \[1\]: give a list of 2"),
        ("mobilenet", {"fit": {"augment": {"noise": 2}}}, "fit.augment.noise is 2: give a number from 0 to 1"),
        ("mobilenet", {"weights": 3}, "weights is 3: give a path, as text"),
        ("mobilenet", {"labels": "anger"}, "'anger' are no labels; name two or more of anger"),
        ("cnn", {"weights": "yamnet.h5"}, "weights is not a setting"),
        ("cnn", {"model": {"filters": [4, "8"]}}, r"model.filters\[1\] is '8': give a whole number"),
        ("wav2vec2", {"weights": "facebook/wav2vec2-base"}, "give an object with checkpoint"),
        ("wav2vec2", {"rematerialise": "yes"}, "rematerialise is 'yes': give true or false"),
        ("wav2vec2", {"model": {"hidden_size": 0}}, "hidden_size must be at least 1"),
    ],
)
def test_what_is_stated_wrongly_is_named(family, stated, words):
    with pytest.raises(UserError, match=words):
        family_named(family).recipe(stated)


def test_a_run_of_an_unknown_family_cannot_be_repeated():
    with pytest.raises(
        UserError, match="no family of models 'forest'; choose one of mobilenet, cnn, functionals, wav2vec2"
    ):
        recipe_of({"model": {"family": "forest"}})


SMALL_RUN = """
preset = "scratch"
labels = ["anger", "neutral", "fear"]

[model]
alpha = 0.125
hidden = 8
window_frames = 48

[fit]
epochs = 3
batch_size = 12
crop_seconds = 0.3
"""


def test_a_command_takes_settings_from_a_file_and_what_is_given_counts_more(dataset, tmp_path):
    (tmp_path / "mine.toml").write_text(SMALL_RUN)
    options = ["--config", tmp_path / "mine.toml", "--epochs", 1, "--seed", 4]
    done = ask("mobilenet", dataset.folder, tmp_path / "run", *options)
    assert done.exit_code == 0, done.output
    config = Run.open(tmp_path / "run").config
    assert (config["model"]["alpha"], config["model"]["window_frames"]) == (0.125, 48)
    assert (config["fit"]["epochs"], config["fit"]["seed"], config["fit"]["learning_rate"]) == (1, 4, 2e-3)
    assert config["labels"] == ["anger", "neutral", "fear"]
    # A run is a file of settings as well, which another seed makes another run.
    options = ["--config", tmp_path / "run", "--seed", 5]
    done = ask("mobilenet", dataset.folder, tmp_path / "other", *options)
    assert done.exit_code == 0, done.output
    other = Run.open(tmp_path / "other").config
    assert {**other, "fit": {**other["fit"], "seed": 4}} == config
    again = ask("from", tmp_path / "run", tmp_path / "third", "--seed", 5)
    assert again.exit_code == 0, again.output
    assert Run.open(tmp_path / "third").config == other


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("mine.toml", "fit = ", r"mine\.toml is not TOML"),
        ("mine.json", "fit = 3", r"mine\.json is not JSON"),
        ("mine.json", "[]", r"mine\.json holds no object"),
        ("mine.toml", "[fit]\nepoch = 3", r"mine\.toml: fit\.epoch is not a setting"),
        ("mine.toml", "[model]\nfamily = 'cnn'", r"mine\.toml is the configuration of a cnn"),
    ],
)
def test_a_file_of_settings_that_is_wrong_is_named(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    done = ask("mobilenet", tmp_path, tmp_path / "run", "--config", tmp_path / name)
    with pytest.raises(UserError, match=words):
        raise done.exception
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.toml cannot be read .*: give a TOML or JSON file, or a run folder"):
        read_settings_file(tmp_path / "none.toml")
    with pytest.raises(UserError, match=r"config\.json cannot be read"):
        read_settings_file(tmp_path)


def test_data_that_changed_since_are_not_trained_on_unasked(run, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    data = {**run.config["data"], "fingerprint": "before"}
    (folder / "config.json").write_text(json.dumps({**run.config, "data": data}))
    with pytest.raises(UserError, match=r"is no longer the data that .* was trained on: .* give --data"):
        raise ask("from", folder, tmp_path / "new").exception
    with pytest.raises(UserError, match="make another run: name the folder"):
        raise ask("from", folder, "--seed", 3).exception
    with pytest.raises(UserError, match="is not a run folder"):
        raise ask("from", tmp_path, tmp_path / "new").exception


def test_a_training_that_is_over_already_shows_no_bar(capsys):
    with ProgressBars(5):
        pass
    assert not capsys.readouterr().out.strip()


def test_an_epochs_line_says_how_long_it_takes_still(capsys):
    with ProgressBars(5) as bars:
        for epoch, seconds in ((1, 60.0), (2, 120.0), (5, 120.0)):
            bars.on_epoch_begin(epoch, 1)
            bars.on_epoch_end(Epoch(epoch, 1.0, 1.0, 0.5, 0.5, seconds), True)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ") and "loss" in line]
    assert ["4 min to go" in lines[0], "4 min to go" in lines[1], "to go" in lines[2]] == [True, True, False]
    assert [duration(seconds) for seconds in (7, 89, 600, 7_000)] == ["7 s", "89 s", "10 min", "2 h"]
