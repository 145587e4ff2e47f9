"""A network on functionals: one hidden layer on a vector per clip. Its errors differ from those of convolutions."""

import keras
from keras import layers

from data_pipeline.audio.log_mel_settings import LogMelSettings
from training.families.functionals.functionals import Functionals
from training.families.functionals.recipe import FunctionalsSettings
from training.layers.standard_scores import StandardScores


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
    probe = keras.Model(model.inputs, model.get_layer("functionals").output)
    model.get_layer("scores").fit(probe.predict_on_batch(batch) for batch in batches)
