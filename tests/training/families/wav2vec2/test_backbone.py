import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings, strategies
from keras import ops

from tests.training.families.wav2vec2.golden.make_golden import SAMPLES
from tests.training.families.wav2vec2.tiny import CONFIGS, close, settings_of, waveform, weights
from training.families.wav2vec2.backbone import Wav2Vec2Backbone
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.families.wav2vec2.state import DIRECTION, LENGTH, PLAIN_KERNEL, load_state, state_arrays, state_names

GOLDEN = Path(__file__).parent / "golden" / "hidden_states.npz"
BACKBONES: dict[str, Wav2Vec2Backbone] = {}
# JAX compiles every operation for every shape.
EXAMPLES = 2 if keras.backend.backend() == "jax" else 6


def make(name: str, changes: dict | None = None, **kwargs) -> Wav2Vec2Backbone:
    backbone = Wav2Vec2Backbone(settings_of({**CONFIGS[name], **(changes or {})}), **kwargs)
    names = state_names(backbone)
    shapes = {name: tuple(reversed(variable.shape)) for name, variable in names.items()}
    load_state(backbone, weights(shapes), "the test's weights")
    return backbone


def cached(name: str) -> Wav2Vec2Backbone:
    if name not in BACKBONES:
        BACKBONES[name] = make(name)
    return BACKBONES[name]


def encode(backbone: Wav2Vec2Backbone, clips: list[np.ndarray], filler: float = 0.0, extra: int = 0, **kwargs):
    batch = np.full((len(clips), max(map(len, clips)) + extra), filler, "float32")
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    lengths = np.array([len(clip) for clip in clips], "int32")
    output = backbone({"waveform": batch, "num_samples": lengths}, **kwargs)
    return keras.tree.map_structure(lambda tensor: ops.convert_to_numpy(ops.cast(tensor, "float32")), output)


@pytest.mark.parametrize("name", CONFIGS)
def test_hidden_states_are_those_of_the_reference(name):
    golden = np.load(GOLDEN)
    output = encode(cached(name), [waveform(SAMPLES)])
    close(np.stack(output["hidden_states"])[:, 0], golden[f"{name}/hidden_states"])
    close(output["last_hidden_state"][0], golden[f"{name}/last_hidden_state"])
    assert output["mask"].all()


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    lengths=strategies.lists(strategies.integers(400, 3000), min_size=1, max_size=3),
    filler=strategies.sampled_from([0.0, 5.0, float("nan"), float("inf")]),
    extra=strategies.integers(0, 1500),
)
def test_a_clip_has_the_same_states_alone_and_in_any_batch(name, lengths, filler, extra):
    clips = [waveform(length, seed) for seed, length in enumerate(lengths)]
    output = encode(cached(name), clips, filler, extra)
    assert all(np.isfinite(state).all() for state in output["hidden_states"])
    for row, clip in enumerate(clips):
        alone = encode(cached(name), [clip])
        frames = alone["last_hidden_state"].shape[1]
        assert output["mask"][row].sum() == frames == cached(name).settings.frames(len(clip))
        for state, expected in zip(output["hidden_states"], alone["hidden_states"], strict=True):
            close(state[row, :frames], expected[0])
        close(output["last_hidden_state"][row, :frames], alone["last_hidden_state"][0])


@pytest.mark.parametrize("name", CONFIGS)
def test_a_clip_too_short_for_a_frame_has_none_and_is_finite(name):
    output = encode(cached(name), [waveform(1000), waveform(100), waveform(0)], float("nan"))
    assert output["mask"].sum(axis=1).tolist() == [2, 0, 0]
    assert np.isfinite(output["last_hidden_state"]).all()


@pytest.mark.parametrize("name", CONFIGS)
def test_folding_keeps_the_answer_and_leaves_one_kernel(name):
    folded = Wav2Vec2Backbone.from_config({**cached(name).get_config(), "folded": True})
    load_state(folded, state_arrays(cached(name)), "it")
    assert PLAIN_KERNEL in state_names(folded)
    assert not {LENGTH, DIRECTION} & set(state_names(folded))
    assert folded.count_params() < cached(name).count_params()
    clip = waveform(2000)
    close(encode(folded, [clip])["last_hidden_state"], encode(cached(name), [clip])["last_hidden_state"], 1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
@pytest.mark.parametrize("name", ["base", "large-lv60"])
def test_sixteen_bits_stay_near_the_answer(name, policy):
    backbone = make(name, dtype=policy)
    clips = [waveform(2500), waveform(1200)]
    output = encode(backbone, clips, float("nan"))
    expected = encode(cached(name), clips)
    valid = expected["mask"].astype(bool)
    close(output["last_hidden_state"][valid], expected["last_hidden_state"][valid], 0.1)
    outputs = backbone({"waveform": waveform(1000)[None], "num_samples": np.array([1000])})
    assert keras.backend.standardize_dtype(outputs["last_hidden_state"].dtype) == backbone.compute_dtype


def test_training_is_random_and_inference_is_not():
    backbone = make("base")
    clips = [waveform(8000), waveform(5000)]
    once, again = (encode(backbone, clips, training=True)["last_hidden_state"] for _ in range(2))
    assert not np.allclose(once, again)
    assert np.isfinite(once).all()
    calm = [encode(backbone, clips)["last_hidden_state"] for _ in range(2)]
    np.testing.assert_array_equal(*calm)


def test_the_same_seed_gives_the_same_training_pass():
    clips = [waveform(8000)]
    once, again = (encode(make("base", seed=3), clips, training=True)["last_hidden_state"] for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_a_config_makes_the_same_network():
    backbone = make("large-lv60", dtype="mixed_bfloat16", rematerialise=True)
    copy = Wav2Vec2Backbone.from_config(backbone.get_config())
    assert (copy.settings, copy.rematerialise, copy.compute_dtype) == (backbone.settings, True, "bfloat16")
    assert state_names(copy).keys() == state_names(backbone).keys()


def test_freezing_leaves_the_rest_to_train():
    backbone = make("base")
    before = len(backbone.trainable_variables)
    frozen = len(backbone.feature_encoder.trainable_variables)
    backbone.freeze_convolutions()
    assert frozen > 0
    assert len(backbone.trainable_variables) == before - frozen


def test_adapters_leave_the_answer_and_the_names_alone():
    backbone = make("base")
    clip = waveform(2000)
    before = encode(backbone, [clip])["last_hidden_state"]
    names = state_names(backbone).keys()
    for layer in backbone.encoder_layers:
        layer.attention.query.enable_lora(2)
        layer.attention.value.enable_lora(2)
    close(encode(backbone, [clip])["last_hidden_state"], before, 1e-6)
    assert state_names(backbone).keys() == names


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a graph is TensorFlow's")
@pytest.mark.parametrize("name", CONFIGS)
def test_a_graph_of_open_shapes_infers_and_trains(name):
    import tensorflow as tf

    backbone = make(name, rematerialise=True)
    signature = {"waveform": tf.TensorSpec([None, None]), "num_samples": tf.TensorSpec([None], tf.int32)}

    @tf.function(input_signature=[signature])
    def infer(inputs):
        return backbone(inputs)["last_hidden_state"]

    @tf.function(input_signature=[signature])
    def train(inputs):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(backbone(inputs, training=True)["hidden_states"][-1]))
        return tape.gradient(loss, backbone.encoder_layers[0].attention.query.trainable_variables)

    clip = waveform(6000)
    inputs = {"waveform": tf.constant(clip[None]), "num_samples": tf.constant([6000])}
    close(infer(inputs).numpy(), encode(backbone, [clip])["last_hidden_state"])
    assert all(np.isfinite(gradient.numpy()).all() for gradient in train(inputs))


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_backend_passes_the_same_tests(backend):
    pytest.importorskip(backend)
    command = [sys.executable, "-m", "pytest", "-q", str(Path(__file__).parent)]
    done = subprocess.run(
        command, env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
def test_the_base_model_in_full_size_is_the_reference():
    pytest.importorskip("torch")
    from tests.training.families.wav2vec2.reference import reference_states

    config = {"model_type": "wav2vec2"}
    backbone = Wav2Vec2Backbone(Wav2Vec2Settings.from_config(config))
    shapes = {name: tuple(reversed(variable.shape)) for name, variable in state_names(backbone).items()}
    load_state(backbone, weights(shapes), "the test's weights")
    clip = waveform(16000)
    states, answer = reference_states(config, clip)
    output = encode(backbone, [clip])
    for state, expected in zip(output["hidden_states"], states, strict=True):
        close(state[0], expected)
    close(output["last_hidden_state"][0], answer)
