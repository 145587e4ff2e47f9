import json
from dataclasses import replace
from pathlib import Path

import pytest

from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from tests.data_pipeline.prepared import write_dataset
from tests.training.wav2vec2.small import SMALL
from training.fit import FitSettings
from training.models.cnn import CnnSettings
from training.models.mobilenet import MobileNetSettings
from training.models.wav2vec2 import HeadSettings, Wav2Vec2Settings
from training.recipes.cnn import CnnRecipe
from training.recipes.families import FAMILIES, family_named, family_of, recipe_of
from training.recipes.mobilenet import MobileNetRecipe
from training.recipes.wav2vec2 import Wav2Vec2Recipe

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
    "wav2vec2": Wav2Vec2Recipe(
        architecture=Wav2Vec2Settings.from_config({**SMALL, "layerdrop": 0.1}),
        learn="all",
        head=HeadSettings(projection=8),
        fit=replace(FIT, augment=AugmentSettings(band_masks=0, frame_masks=0, mixup=0.0)),
        target=TARGET,
    ),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=24, validation=12)


@pytest.fixture(scope="module", params=FAMILIES)
def run(request, dataset, tmp_path_factory):
    trained, _ = family_named(request.param).train(
        RECIPES[request.param], dataset, tmp_path_factory.mktemp("runs") / "run", None
    )
    return trained


def test_a_run_tells_the_recipe_that_it_was_trained_by(run):
    config = json.loads((run.folder / "config.json").read_text())
    family = family_of(config)
    assert recipe_of(config) == RECIPES[family.name]


def test_every_preset_survives_its_way_through_a_file():
    for name in FAMILIES:
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
        ("mobilenet", {"preset": "loud"}, "preset must be one of plain, telephone, scratch, not 'loud'"),
        ("mobilenet", {"model": {"family": "cnn"}}, "configuration of a cnn: use `ser train cnn`"),
        ("mobilenet", {"model": "wide"}, "model is 'wide': give an object"),
        ("mobilenet", {"model": {"body": "resnet"}}, "model is stated wrongly: body must be one of"),
        ("mobilenet", {"fit": {"epoch": 3}}, "fit.epoch is no setting; there are fit.epochs, "),
        ("mobilenet", {"fit": {"epochs": 2.5}}, "fit.epochs is 2.5: give a whole number"),
        ("mobilenet", {"fit": {"epochs": True}}, "fit.epochs is True: give a whole number"),
        ("mobilenet", {"fit": {"augment": {"noise_snr": [1]}}}, r"noise_snr is \[1\]: give a list of 2"),
        ("mobilenet", {"fit": {"augment": {"noise": 2}}}, "noise is 2.0: give a share between 0 and 1"),
        ("mobilenet", {"weights": 3}, "weights is 3: give a path, as text"),
        ("mobilenet", {"labels": "anger"}, "target.labels is 'anger': give a list"),
        ("cnn", {"weights": "yamnet.h5"}, "weights is no setting"),
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
    with pytest.raises(UserError, match="no family of models 'forest'; choose one of mobilenet, cnn, wav2vec2"):
        recipe_of({"model": {"family": "forest"}})
