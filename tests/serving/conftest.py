"""A tiny model that is served over gRPC, a MobileNet, each exported once, and clips with different answers."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.emotion import LABELS
from serving.export.saved_model import export_model
from serving.server.local_server import LocalServer
from tests.voice import voice
from training.families.family import Family
from training.families.mobilenet.family import FAMILY
from training.families.mobilenet.network import build
from training.families.mobilenet.recipe import MobileNetSettings
from training.front_end import LogMelFrontEnd
from training.run.recogniser import Recogniser


class SpectrumMean(layers.Layer):
    """The mean of the frames without padding: [batch, frames, bands] to [batch, bands]."""

    def call(self, log_mel, num_frames):
        real = ops.arange(ops.shape(log_mel)[1])[None, :] < num_frames[:, None]
        weights = ops.cast(real, log_mel.dtype)[:, :, None]
        return ops.sum(log_mel * weights, axis=1) / ops.sum(weights, axis=1)


@pytest.fixture(scope="session")
def tiny_recogniser() -> Recogniser:
    """A model with random weights, large enough for clearly different answers to different sounds."""
    keras.utils.set_random_seed(20)
    front_end = LogMelSettings()
    log_mel = keras.Input((None, front_end.num_bands), name="log_mel")
    num_frames = keras.Input((), dtype="int32", name="num_frames")
    spectrum = SpectrumMean()(log_mel, num_frames)
    probabilities = layers.Dense(len(LABELS), activation="softmax", kernel_initializer="random_normal")(spectrum)
    model = keras.Model({"log_mel": log_mel, "num_frames": num_frames}, probabilities)
    return Recogniser(model, tuple(map(str, LABELS)), LogMelFrontEnd(front_end), Family())


@pytest.fixture(scope="session")
def models(tiny_recogniser, tmp_path_factory) -> Path:
    """A model repository with the tiny model as `ser`, in two versions."""
    folder = tmp_path_factory.mktemp("models")
    export_model(tiny_recogniser, folder, "ser")
    export_model(tiny_recogniser, folder, "ser")
    return folder


@pytest.fixture(scope="session")
def server(models) -> LocalServer:
    with LocalServer.start(models, port=0) as running:
        yield running


@pytest.fixture(scope="session")
def mobilenet() -> Recogniser:
    """A small MobileNet with random weights, whose norms fit its inputs; otherwise all its answers would be alike."""
    keras.utils.set_random_seed(1)
    front_end = LogMelSettings()
    model = build(MobileNetSettings(alpha=0.25, norm_momentum=0.0), len(LABELS), front_end)
    backbone = model.get_layer("backbone")
    backbone(np.random.default_rng(2).normal(-2, 2, (16, *backbone.input_shape[1:])), training=True)
    return Recogniser(model, tuple(map(str, LABELS)), LogMelFrontEnd(front_end), FAMILY)


@pytest.fixture(scope="session")
def mobilenet_version(mobilenet, tmp_path_factory) -> Path:
    """The only version of `ser` in a separate model repository."""
    return export_model(mobilenet, tmp_path_factory.mktemp("mobilenet"), "ser", provenance={"run": "somewhere"})


@pytest.fixture(scope="session")
def clips() -> list[np.ndarray]:
    """Ten voices of 0.3 to 2.1 s, float32 at 16 kHz, of different loudness and with different noise."""
    random = np.random.default_rng(7)
    found = []
    for index in range(10):
        speech = voice(0.3 + 0.2 * index, amplitude=random.uniform(0.1, 0.6), seed=3 * index)
        noise = random.normal(0, 10.0 ** -random.uniform(2.5, 4.5), speech.size)
        found.append(np.clip(speech + noise, -1, 1).astype(np.float32))
    return found
