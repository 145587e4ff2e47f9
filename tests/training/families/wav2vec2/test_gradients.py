from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.training.families.wav2vec2.golden.make_golden import GRADIENT_SAMPLES as SAMPLES
from tests.training.families.wav2vec2.golden.make_golden import projected
from tests.training.families.wav2vec2.test_backbone import make
from tests.training.families.wav2vec2.tiny import CONFIGS, close, waveform
from training.families.wav2vec2.backbone import Wav2Vec2Backbone
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.families.wav2vec2.state import load_state, state_names

GOLDEN = Path(__file__).parent / "golden" / "gradients.npz"


def gradients(backbone: Wav2Vec2Backbone, training: bool) -> dict[str, np.ndarray]:
    """Of a sum over all hidden states, by the PyTorch names and as PyTorch lays tensors out."""
    inputs = {"waveform": waveform(SAMPLES)[None], "num_samples": np.array([SAMPLES])}
    names = {name: variable for name, variable in state_names(backbone).items() if name != "masked_spec_embed"}

    def loss():
        states = backbone(inputs, training=training)["hidden_states"]
        return sum(ops.mean(ops.square(state) * (1 + index)) for index, state in enumerate(states))

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            with tf.GradientTape() as tape:
                value = loss()
            found = tape.gradient(value, [variable.value for variable in names.values()])
        case "torch":
            loss().backward()
            found = [variable.value.grad for variable in names.values()]
        case _:
            import jax

            def loss_of(values):
                with keras.StatelessScope(state_mapping=zip(names.values(), values, strict=True)):
                    return loss()

            # Where the others have none, JAX has zeros.
            found = [
                gradient if np.any(gradient) else None
                for gradient in jax.jit(jax.grad(loss_of))([variable.value for variable in names.values()])
            ]
    pairs = zip(names, found, strict=True)
    return {name: np.transpose(ops.convert_to_numpy(gradient)) for name, gradient in pairs if gradient is not None}


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_have_the_norms_and_directions_of_the_reference(name):
    golden = np.load(GOLDEN)
    expected = dict(zip(str(golden[f"{name}/names"]).split(), golden[name], strict=True))
    actual = gradients(make(name), training=False)
    assert actual.keys() == expected.keys()
    overall = np.sqrt(sum(value[0] ** 2 for value in expected.values()))
    for key, value in expected.items():
        tolerance = max(1e-3 * value[0], 1e-4 * overall)
        # A product with a standard normal vector is, in the mean of squares, as large as the difference itself.
        assert np.abs(projected(actual[key]) - value).max() < 3 * tolerance, key


def assert_same_gradients(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert actual.keys() == expected.keys()
    overall = np.sqrt(sum(np.sum(value**2) for value in expected.values()))
    for key, value in expected.items():
        tolerance = max(1e-3 * np.linalg.norm(value), 1e-4 * overall)
        assert np.linalg.norm(actual[key] - value) < tolerance, key


@pytest.mark.parametrize("name", CONFIGS)
def test_every_gradient_is_that_of_the_reference(name):
    pytest.importorskip("torch")
    from tests.training.families.wav2vec2.reference import reference_gradients, reference_model

    expected = reference_gradients(reference_model(CONFIGS[name]), waveform(SAMPLES))
    assert_same_gradients(gradients(make(name), training=False), expected)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_every_gradient_of_the_base_model_in_full_size_is_that_of_the_reference():
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tests.training.families.wav2vec2.reference import reference_gradients

    # Weights as training begins with: wide layers would saturate every softmax with the small networks' stand-ins.
    torch.manual_seed(0)
    model = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config()).eval()
    backbone = Wav2Vec2Backbone(Wav2Vec2Settings())
    load_state(backbone, {name: value.numpy() for name, value in model.state_dict().items()}, "the reference")
    assert_same_gradients(gradients(backbone, training=False), reference_gradients(model, waveform(SAMPLES)))


@pytest.mark.parametrize("name", ["base", "large-lv60"])
def test_rematerialised_layers_have_the_same_gradients_with_the_same_dropout(name):
    changes = {"layerdrop": 0.0, "apply_spec_augment": False}
    plain, again = (gradients(make(name, changes, rematerialise=flag), training=True) for flag in (False, True))
    assert plain.keys() == again.keys()
    largest = max(np.abs(value).max() for value in plain.values())
    for key, value in plain.items():
        np.testing.assert_allclose(again[key], value, rtol=0, atol=1e-5 * largest)


def test_a_dropped_layer_hands_its_input_on():
    backbone = make("base", {"layerdrop": 0.999999, "hidden_dropout": 0.0, "apply_spec_augment": False})
    inputs = {"waveform": waveform(2000)[None], "num_samples": np.array([2000])}
    states = [ops.convert_to_numpy(state) for state in backbone(inputs, training=True)["hidden_states"]]
    for state in states[1:]:
        close(state, states[0], 1e-6)
