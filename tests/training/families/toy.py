"""A family of models in one file: the mean of a clip's log-mel frames and one dense layer.

`python -m tests.training.families.toy …` is `ser …` with this family.
"""

from dataclasses import dataclass, field
from typing import Annotated

import keras
from keras import layers, ops

import ser
from data_pipeline.audio.log_mel_settings import LogMelSettings
from data_pipeline.settings import Field, Range, Settings
from training.families.family import Family
from training.families.recipe import FitSettings, Recipe
from training.families.registry import register
from training.families.search_space import declared_space


@dataclass(frozen=True, slots=True)
class ToySettings(Settings):
    dropout: Annotated[float, Field(ge=0, lt=1, description="Dropout rate of the mean frame."), Range(0.0, 0.3)] = 0.1


@dataclass(frozen=True, slots=True)
class ToyRecipe(Recipe):
    model: ToySettings = field(default_factory=ToySettings)
    fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=5, batch_size=12, learning_rate=1e-2))
    front_end: LogMelSettings = field(default_factory=LogMelSettings)


@keras.saving.register_keras_serializable("toy")
class MeanFrame(layers.Layer):
    """The mean of a clip's own frames: [batch, frames, bands] and [batch] to [batch, bands]."""

    def call(self, log_mel, num_frames):
        own = ops.arange(ops.shape(log_mel)[1])[None, :] < num_frames[:, None]
        weights = ops.cast(own, log_mel.dtype)[:, :, None]
        return ops.sum(log_mel * weights, axis=1) / ops.sum(weights, axis=1)


class ToyFamily(Family):
    name = "toy"
    summary = "Train one dense layer on the mean frame."
    presets = {"plain": ToyRecipe(), "fast": ToyRecipe(fit=FitSettings(epochs=2, learning_rate=3e-2))}
    preset_notes = {"fast": "two epochs"}
    space = {
        "fit.learning_rate": Range(1e-3, 1e-1, log=True),
        **declared_space(ToyRecipe, "model.dropout"),
    }

    def build(self, recipe):
        log_mel = keras.Input((None, recipe.front_end.num_bands), name="log_mel")
        num_frames = keras.Input((), dtype="int32", name="num_frames")
        x = layers.Dropout(recipe.model.dropout)(MeanFrame()(log_mel, num_frames))
        x = layers.Dense(len(recipe.target.labels), activation="softmax")(x)
        return keras.Model({"log_mel": log_mel, "num_frames": num_frames}, x)


register(ToyFamily())

if __name__ == "__main__":
    ser.main()
