import tomllib

import pytest

from data_pipeline.errors import UserError
from training.families.registry import family_named
from training.tuning.space import Choice, Range, fitted_to, own_settings, parse_space, with_settings

CHECKPOINT = {"weights": {"checkpoint": "owner/name"}}


def config_of(family):
    return CHECKPOINT if family == "wav2vec2" else {}


@pytest.mark.parametrize("name", ["mobilenet", "cnn", "functionals", "wav2vec2"])
def test_every_family_has_a_space_that_its_recipes_know(name):
    family = family_named(name)
    for preset in family.presets:
        config = {**config_of(name), "preset": preset}
        assert fitted_to(family.space, family, config, "it") == family.space
    # What is trained without a search lies within what is searched.
    own = own_settings(family.space, family, config_of(name))
    assert own["fit.learning_rate"] == family.recipe(config_of(name)).fit.learning_rate


def test_a_file_states_a_space_in_the_structure_of_a_configuration():
    stated = tomllib.loads(
        """
        layer_decay = { low = 0.5, high = 1 }
        [fit.learning_rate]
        low = 1e-4
        high = 1e-2
        log = true
        [fit.augment]
        band_masks = { low = 0, high = 4 }
        telephone = { low = 0, high = 1 }
        mixup = { low = 0.0, high = 0.4, step = 0.2 }
        [model.pooling]
        choices = ["mean", "attentive"]
        """
    )
    space = fitted_to(parse_space(stated, "mine.toml"), family_named("mobilenet"), {}, "mine.toml")
    assert space == {
        "layer_decay": Range(0.5, 1),
        "fit.learning_rate": Range(1e-4, 1e-2, log=True),
        "fit.augment.band_masks": Range(0, 4),
        "fit.augment.telephone": Range(0.0, 1.0),
        "fit.augment.mixup": Range(0.0, 0.4, step=0.2),
        "model.pooling": Choice(("mean", "attentive")),
    }
    assert space["fit.augment.band_masks"].whole
    # A share is any number between, though the file writes whole ones.
    assert not space["fit.augment.telephone"].whole


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("", "mine.toml names no setting: give each low and high"),
        (
            "[fit.learning_rat]\nlow = 0.1\nhigh = 0.2",
            "mine.toml: fit.learning_rat is not a setting: choose one of fit.epochs",
        ),
        ("[fit]\nlearning_rate = 0.1", r"mine.toml: fit.learning_rate: 0.1 is no range: give low and high"),
        ("[fit.learning_rate]\nlow = 0.1", "fit.learning_rate: .* is no range"),
        ("[fit.learning_rate]\nlow = 0.1\nhigh = 0.2\nsteps = 3", "is no range"),
        ("[fit.learning_rate]\nlow = 0.2\nhigh = 0.1", "low is 0.2 and high 0.1: give two numbers, the lower"),
        ("[fit.learning_rate]\nlow = 0.1\nhigh = '1'", "high is '1': give a number"),
        ("[fit.learning_rate]\nlow = 0.1\nhigh = 1\nlog = 1", "log is 1: give true or false"),
        ("[fit.learning_rate]\nlow = 0.0\nhigh = 1.0\nlog = true", "with log, low is above 0"),
        ("[fit.learning_rate]\nlow = 0.0\nhigh = 1.0\nstep = 0", "step is 0: give a number above 0"),
        ("[fit.batch_size]\nlow = 8\nhigh = 32\nstep = 0.5", "a whole one between whole numbers"),
        ("[fit.batch_size]\nlow = 8.5\nhigh = 32", "mine.toml: fit.batch_size is 8.5: give a whole number"),
        ("[model.pooling]\nchoices = ['mean']", "give a list of two or more"),
        ("[model.pooling]\nchoices = 'mean'", "give a list of two or more"),
        ("[model.pooling]\nchoices = ['mean', 'mean']", "each once"),
        (
            "[model.pooling]\nchoices = ['mean', 'loud']",
            "toml: model.pooling is 'loud': give 'mean' or 'attentive'",
        ),
        ("[fit.augment.telephone]\nlow = 0\nhigh = 2", "telephone is 2: give a number from 0 to 1"),
        ("[fit.epochs]\nlow = 1\nhigh = 9", "mine.toml: fit.epochs cannot be searched, since trials have to be alike"),
        ("[label_kind]\nchoices = ['acted', 'voted']", "label_kind cannot be searched"),
    ],
)
def test_a_space_that_is_wrong_is_named(stated, words):
    with pytest.raises(UserError, match=words):
        fitted_to(parse_space(tomllib.loads(stated), "mine.toml"), family_named("mobilenet"), {}, "mine.toml")


def test_a_setting_that_changes_nothing_is_named():
    # A checkpoint brings its own shape.
    space = {"model.num_hidden_layers": Choice((2, 4))}
    with pytest.raises(UserError, match=r"it: model\.num_hidden_layers changes nothing here: leave it out"):
        fitted_to(space, family_named("wav2vec2"), CHECKPOINT, "it")


def test_settings_that_lie_outside_of_the_space_are_none_to_start_with():
    family = family_named("cnn")
    space = {"fit.learning_rate": Range(1e-5, 1e-2, log=True), "model.dropout": Range(0.0, 0.5)}
    assert own_settings(space, family, {"model": {"dropout": 0.2}}) == {"fit.learning_rate": 1e-3, "model.dropout": 0.2}
    assert own_settings(space, family, {"model": {"dropout": 0.6}}) is None
    assert own_settings({"model.hidden": Range(8, 64, step=8)}, family, {"model": {"hidden": 20}}) is None


def test_settings_go_to_their_places_and_leave_the_others():
    config = {"weights": "yamnet.h5", "fit": {"epochs": 3, "augment": {"noise": 0.5}}}
    stated = with_settings(config, {"fit.augment.mixup": 0.1, "model.hidden": 4, "layer_decay": 0.9})
    assert stated == {
        "weights": "yamnet.h5",
        "fit": {"epochs": 3, "augment": {"noise": 0.5, "mixup": 0.1}},
        "model": {"hidden": 4},
        "layer_decay": 0.9,
    }
    assert config["fit"] == {"epochs": 3, "augment": {"noise": 0.5}}
