"""A network on functionals: one hidden layer that hears a clip as a vector, and errs elsewhere than convolutions do."""

import keras
import numpy as np
from keras import layers, ops

from data_pipeline.audio.log_mel_settings import LogMelSettings
from training.families.functionals.functionals import Functionals
from training.families.functionals.recipe import FunctionalsSettings

_BOUND = 5.0
"""Standard scores are clipped here, so that one absurd value does not decide a clip."""


_LEAST_DEVIATION = 1e-4
"""Of a functional over clips: ten times what rounding makes of it, and far below what speech does."""


@keras.saving.register_keras_serializable("ser")
class StandardScores(layers.Layer):
    """Each value less its mean and over its deviation, clipped at ±5; both of them are set once, see `fit_scores`."""

    def build(self, input_shape):
        """Make what `fit_scores` sets.

        Args:
            input_shape: [batch, values].
        """
        self.mean = self.add_weight(shape=input_shape[1:], initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(shape=input_shape[1:], initializer="ones", trainable=False, name="deviation")

    def call(self, values):
        """Score float32 [batch, values]."""
        return ops.clip((values - self.mean) / self.deviation, -_BOUND, _BOUND)


def build(settings: FunctionalsSettings, num_classes: int, front_end: LogMelSettings) -> keras.Model:
    """The network with random weights, whose scores do not fit any data yet.

    Args:
        settings: Its shape.
        num_classes: Emotions to tell apart.
        front_end: Of the log-mel spectrograms it will be given.

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
    """Make the scores fit data.

    Args:
        model: Made by `build`. Changed in place.
        batches: Iterable of its inputs; a few hundred clips are plenty.

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
    # What never changes in the data says nothing, and must not say much where it changes later.
    scores.deviation.assign(np.where(deviation > _LEAST_DEVIATION, deviation, 1.0))
