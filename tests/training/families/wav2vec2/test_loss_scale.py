import keras
import numpy as np
import pytest
from keras import ops

from tests.training.families.wav2vec2.small import SMALL
from tests.training.families.wav2vec2.test_classifier import clips
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.fitting.adamw import LayerwiseAdamW

# Gradients of float16 are infinite with it, whatever the network.
OVERFLOWING = 2.0**60


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    settings = Wav2Vec2Settings.from_config({**SMALL, "num_hidden_layers": 1})
    classifier = Wav2Vec2Classifier(settings, 6, dtype="mixed_float16")
    optimizer = LayerwiseAdamW(1e-3, scales=[1.0] * len(classifier.trainable_variables), weight_decay=0.01)
    classifier.compile(optimizer, "categorical_crossentropy", jit_compile=keras.backend.backend() == "jax")
    classifier.optimizer.build(classifier.trainable_variables)
    return classifier


def step(model) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The weights that learn, before and after a step."""
    batch, answers = clips(6_000, 4_000), np.eye(6, dtype="float32")[:2]
    before = [ops.convert_to_numpy(weight) for weight in model.trainable_variables]
    loss = model.train_on_batch(batch, answers)
    assert np.isfinite(loss)
    return before, [ops.convert_to_numpy(weight) for weight in model.trainable_variables]


def test_a_step_that_overflows_is_skipped_and_halves_the_scale(model):
    model.optimizer.dynamic_scale.assign(OVERFLOWING)
    before, after = step(model)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert float(model.optimizer.dynamic_scale) == OVERFLOWING / 2
    assert int(model.optimizer.iterations) == 0


def test_the_scale_falls_until_gradients_are_finite_and_then_weights_learn(model):
    model.optimizer.dynamic_scale.assign(2.0**32)
    moved = []
    for _ in range(40):
        before, after = step(model)
        assert all(np.isfinite(weight).all() for weight in after)
        moved.append(any((one != other).any() for one, other in zip(before, after, strict=True)))
        if sum(moved) == 2:
            break
    # Skipped while the scale was too large: perhaps also once behind the first step that was not, since dropout
    # makes every gradient another.
    assert moved[0] is False
    assert sum(moved) == 2
    assert float(model.optimizer.dynamic_scale) == 2.0 ** (32 - moved.count(False))
    assert {weight.dtype for weight in model.trainable_variables} == {"float32"}
