from dataclasses import replace

import pytest

from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from training.families.mobilenet.recipe import MobileNetRecipe, MobileNetSettings
from training.families.recipe import FitSettings
from training.families.registry import family_named
from training.fitting.train import train_unless_done


def test_a_training_from_published_weights_is_known_again_and_another_is_refused(speech_data, tmp_path):
    recipe = MobileNetRecipe(
        model=MobileNetSettings(window_frames=48, hidden=8),
        weights=speech_data / "weights" / "mobilenet_2_5_224_tf_no_top.weights.h5",
        unfreeze="none",
        fit=FitSettings(epochs=1, batch_size=12, crop_seconds=0.3),
    )
    dataset = write_dataset(tmp_path / "dataset", train=12, validation=12)
    family, folder = family_named("mobilenet"), tmp_path / "run"
    train_unless_done(family, recipe, dataset, folder)
    weights = (folder / "model.keras").stat()
    assert train_unless_done(family, recipe, dataset, folder).folder == folder
    assert (folder / "model.keras").stat() == weights
    with pytest.raises(UserError, match="holds another run"):
        train_unless_done(family, replace(recipe, model=replace(recipe.model, hidden=4)), dataset, folder)
