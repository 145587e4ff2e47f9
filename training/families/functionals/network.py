"""A network on functionals: one hidden layer on a vector per clip. Its errors differ from those of convolutions."""

import keras
import numpy as np
from keras import layers, ops

from data_pipeline.audio.log_mel_settings import LogMelSettings
from training.families.functionals.functionals import Functionals
from training.families.functionals.recipe import FunctionalsSettings

_BOUND = 5.0
"""Standard scores are clipped to ±5, so that no outlier decides a clip."""

_LEAST_DEVIATION = 1e-4
"""Smallest deviation of a functional over clips: ten times that of rounding, far below that of speech."""


@keras.saving.register_keras_serializable("ser")
class StandardScores(layers.Layer):
    """Standard scores, clipped to ±5: values minus mean, divided by standard deviation; see `fit_scores`."""

    def build(self, input_shape):
        """Create the variables that `fit_scores` sets.

        Args:
            input_shape: [batch, values].
        """
        self.mean = self.add_weight(shape=input_shape[1:], initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(shape=input_shape[1:], initializer="ones", trainable=False, name="deviation")

    def call(self, values):
        """Standardise float32 [batch, values]."""
        return ops.clip((values - self.mean) / self.deviation, -_BOUND, _BOUND)


def build(settings: FunctionalsSettings, num_classes: int, front_end: LogMelSettings) -> keras.Model:
    """The network with random weights; `fit_scores` has to follow.

    Args:
        settings: Shape of the network.
        num_classes: Number of emotions.
        front_end: Settings of the log-mel spectrograms that it receives.

    Returns:
        A model from `{"log_mel": float32 [batch, frames, bands], "num_frames": int32 [batch]}` to probabilities
        float32 [batch, classes]. Frames past `num_frames` never change its answer.
    """
    log_mel = keras.Input((None, front_end.num_bands), name="log_mel")
    num_frames = keras.Input((), dtype="int32", name="num_frames")
    x = Functionals(front_end.floor, name="functionals")(log_mel, num_frames)
    x = StandardScores(name="scores")(x)
    x = layers.Dropout(settings.dropout, name="functionals_dropout")(x)
    x = layers.Dense(settings.hidden, activation="relu", name="hidden")(x)
    x = layers.Dropout(settings.dropout, name="hidden_dropout")(x)
    probabilities = layers.Dense(num_classes, activation="softmax", name="emotion")(x)
    return keras.Model({"log_mel": log_mel, "num_frames": num_frames}, probabilities, name="functionals")


def fit_scores(model: keras.Model, batches) -> None:
    """Set mean and standard deviation of the functionals to those of some clips.

    Args:
        model: Made by `build`. Changed in place.
        batches: Inputs of the model; a few hundred clips are enough.

    Raises:
        ValueError: If there are no batches.
    """
    scores = model.get_layer("scores")
    probe = keras.Model(model.inputs, model.get_layer("functionals").output)
    values = [probe.predict_on_batch(batch) for batch in batches]
    if not values:
        raise ValueError("fit_scores needs at least one batch. Received: none")
    found = np.concatenate(values).astype(np.float64)
    deviation = found.std(axis=0)
    scores.mean.assign(found.mean(axis=0))
    # A functional that is constant in the data carries no information. It must not be amplified where it varies later.
    scores.deviation.assign(np.where(deviation > _LEAST_DEVIATION, deviation, 1.0))
