import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings, strategies
from keras import ops

from data_pipeline.errors import UserError
from tests.training.families.wav2vec2.golden.make_golden import projected
from tests.training.families.wav2vec2.test_gradients import assert_same_gradients
from tests.training.families.wav2vec2.tiny import close
from tests.training.families.whisper.golden.make_golden import some
from tests.training.families.whisper.tiny import CONFIGS, SHORT, WHOLE, stand_in_weights, voice
from training.families.whisper.backbone import WhisperBackbone
from training.families.whisper.log_mel import slaney_filters
from training.families.whisper.settings import WhisperSettings
from training.families.whisper.state import load_state, state_arrays, state_names

GOLDEN = Path(__file__).parent / "golden" / "golden.npz"
BACKBONES: dict[str, WhisperBackbone] = {}
EXAMPLES = 2 if keras.backend.backend() == "jax" else 6


def make(name: str, changes: dict | None = None, **kwargs) -> WhisperBackbone:
    backbone = WhisperBackbone(WhisperSettings.from_config({**CONFIGS[name], **(changes or {})}), **kwargs)
    shapes = {name: array.shape for name, array in state_arrays(backbone).items()}
    load_state(backbone, stand_in_weights(shapes), "the test's weights")
    return backbone


def cached(name: str) -> WhisperBackbone:
    if name not in BACKBONES:
        BACKBONES[name] = make(name)
    return BACKBONES[name]


def encode(backbone: WhisperBackbone, clips: list[np.ndarray], filler: float = 0.0, extra: int = 0, **kwargs):
    batch = np.full((len(clips), max(map(len, clips)) + extra), filler, "float32")
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    lengths = np.array([len(clip) for clip in clips], "int32")
    output = backbone({"waveform": batch, "num_samples": lengths}, **kwargs)
    return keras.tree.map_structure(lambda tensor: ops.convert_to_numpy(ops.cast(tensor, "float32")), output)


def all_states(output) -> list[np.ndarray]:
    return [*output["hidden_states"], output["last_hidden_state"]]


@pytest.mark.parametrize("kind", ["whole", "short"])
@pytest.mark.parametrize("name", CONFIGS)
def test_spectrogram_and_hidden_states_are_those_of_the_reference(name, kind):
    golden, clip = np.load(GOLDEN), voice(WHOLE if kind == "whole" else SHORT)
    backbone = cached(name)
    log_mel, frames = backbone.log_mel(clip[None], np.array([len(clip)], "int32"))
    log_mel = ops.convert_to_numpy(log_mel)[0].T
    assert ops.convert_to_numpy(frames).tolist() == [log_mel.shape[1]]
    assert frames[0] == (200 if kind == "whole" else (SHORT + 8_000 + 319) // 320 * 2)
    close(log_mel[:, [*range(0, log_mel.shape[1], 7), -1]], golden[f"{name}/{kind}/log_mel"])
    output = encode(backbone, [clip])
    for state, expected in zip(some(all_states(output)), golden[f"{name}/{kind}/states"], strict=True):
        close(state, expected)
    assert output["mask"].all()


@pytest.mark.parametrize("name", CONFIGS)
def test_the_reference_itself_agrees(name):
    pytest.importorskip("torch")
    from tests.training.families.whisper.reference import reference_encoder, reference_log_mel

    encoder, clip = reference_encoder(CONFIGS[name]), voice(WHOLE)
    import torch

    features = reference_log_mel(clip, CONFIGS[name]["num_mel_bins"], 2)
    with torch.no_grad():
        answer = encoder(torch.from_numpy(features)[None]).last_hidden_state.numpy()
    close(encode(cached(name), [clip])["last_hidden_state"], answer)


@pytest.mark.parametrize("bands", [80, 128])
def test_the_filters_are_those_of_librosa(bands):
    import librosa

    expected = librosa.filters.mel(sr=16_000, n_fft=400, n_mels=bands).T
    np.testing.assert_allclose(slaney_filters(bands), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    lengths=strategies.lists(strategies.integers(1, 3 * WHOLE), min_size=1, max_size=3),
    filler=strategies.sampled_from([0.0, 5.0, float("nan"), float("inf")]),
    extra=strategies.integers(0, 1500),
)
def test_a_clip_has_the_same_states_alone_and_in_any_batch(name, lengths, filler, extra):
    clips = [voice(length, seed) for seed, length in enumerate(lengths)]
    output = encode(cached(name), clips, filler, extra)
    assert all(np.isfinite(state).all() for state in all_states(output))
    for row, clip in enumerate(clips):
        alone = encode(cached(name), [clip])
        own, expected = output["mask"][row].astype(bool), alone["mask"][0].astype(bool)
        assert own.sum() == expected.sum()
        for state, one in zip(all_states(output), all_states(alone), strict=True):
            close(state[row][own], one[0][expected])


def test_a_longer_clip_is_heard_in_windows():
    first, second = voice(WHOLE, 1), voice(SHORT, 2)
    output = encode(cached("tiny"), [np.concatenate([first, second])])
    parts = [encode(cached("tiny"), [part]) for part in (first, second)]
    own = output["mask"][0].astype(bool)
    for state, one, other in zip(all_states(output), *map(all_states, parts), strict=True):
        close(state[0][own], np.concatenate([one[0], other[0]]))


def test_a_clip_without_samples_is_finite():
    output = encode(cached("tiny"), [voice(1000), np.zeros(0, "float32")], float("nan"))
    assert output["mask"].sum(axis=1).tolist() == [29, 25]
    assert np.isfinite(output["last_hidden_state"]).all()


def gradients(backbone: WhisperBackbone, samples: int, training: bool) -> dict[str, np.ndarray]:
    """Of a sum over all hidden states, by the PyTorch names and as PyTorch lays tensors out."""
    inputs = {"waveform": voice(samples)[None], "num_samples": np.array([samples], "int32")}
    names = state_names(backbone)

    def loss():
        output = backbone(inputs, training=training)
        states = [*output["hidden_states"], output["last_hidden_state"]]
        return sum(ops.mean(ops.square(state) * (1 + index)) for index, state in enumerate(states))

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            with tf.GradientTape() as tape:
                value = loss()
            found = tape.gradient(value, [variable.value for variable in names.values()])
            found = [tf.convert_to_tensor(gradient) for gradient in found]
        case "torch":
            loss().backward()
            found = [variable.value.grad for variable in names.values()]
        case _:
            import jax

            def loss_of(values):
                with keras.StatelessScope(state_mapping=zip(names.values(), values, strict=True)):
                    return loss()

            found = jax.jit(jax.grad(loss_of))([variable.value for variable in names.values()])
    arrays = {name: ops.convert_to_numpy(gradient) for name, gradient in zip(names, found, strict=True)}
    return {name: array if "positions" in name else np.transpose(array) for name, array in arrays.items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_have_the_norms_and_directions_of_the_reference(name):
    golden = np.load(GOLDEN)
    expected = dict(zip(str(golden[f"{name}/names"]).split(), golden[f"{name}/gradients"], strict=True))
    actual = gradients(make(name), SHORT, training=False)
    assert actual.keys() == expected.keys()
    overall = np.sqrt(sum(value[0] ** 2 for value in expected.values()))
    for key, value in expected.items():
        tolerance = max(1e-3 * value[0], 1e-4 * overall)
        # A product with a standard normal vector is, in the mean of squares, as large as the difference itself.
        assert np.abs(projected(actual[key]) - value).max() < 3 * tolerance, key


@pytest.mark.parametrize("name", CONFIGS)
def test_every_gradient_is_that_of_the_reference(name):
    pytest.importorskip("torch")
    from tests.training.families.whisper.reference import (
        reference_encoder,
        reference_gradients,
        reference_log_mel,
    )

    log_mel = reference_log_mel(voice(SHORT), CONFIGS[name]["num_mel_bins"], 2)[:, : (SHORT + 8_319) // 320 * 2]
    expected = reference_gradients(reference_encoder(CONFIGS[name]), log_mel)
    assert_same_gradients(gradients(make(name), SHORT, training=False), expected)


def test_rematerialised_layers_have_the_same_gradients_with_the_same_dropout():
    changes = {"dropout": 0.2, "attention_dropout": 0.1, "activation_dropout": 0.1}
    plain, again = (gradients(make("tiny", changes, rematerialise=flag), SHORT, True) for flag in (False, True))
    largest = max(np.abs(value).max() for value in plain.values())
    for key, value in plain.items():
        np.testing.assert_allclose(again[key], value, rtol=0, atol=1e-5 * largest)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_sixteen_bits_stay_near_the_answer(policy):
    clips = [voice(SHORT), voice(2_000)]
    output = encode(make("tiny", dtype=policy), clips, float("nan"))
    expected = encode(cached("tiny"), clips)
    valid = expected["mask"].astype(bool)
    close(output["last_hidden_state"][valid], expected["last_hidden_state"][valid], 0.1)


def test_a_config_makes_the_same_network():
    backbone = make("large-v3", dtype="mixed_bfloat16", rematerialise=True)
    copy = WhisperBackbone.from_config(backbone.get_config())
    assert (copy.settings, copy.rematerialise, copy.compute_dtype) == (backbone.settings, True, "bfloat16")
    assert state_names(copy).keys() == state_names(backbone).keys()


def test_the_state_makes_the_round_trip_by_the_names_of_the_reference():
    backbone = make("tiny")
    arrays = state_arrays(backbone)
    other = WhisperBackbone(backbone.settings)
    load_state(other, arrays, "copy")
    for key, value in state_arrays(other).items():
        np.testing.assert_array_equal(value, arrays[key])
    assert sum(value.size for value in arrays.values()) == backbone.count_params()
    pytest.importorskip("torch")
    from tests.training.families.whisper.reference import reference_encoder

    expected = {key: tuple(value.shape) for key, value in reference_encoder(CONFIGS["tiny"]).state_dict().items()}
    assert {key: value.shape for key, value in arrays.items()} == expected


def test_a_state_with_other_mel_bands_is_refused():
    arrays = {**state_arrays(cached("tiny")), "conv1.weight": np.zeros((32, 128, 3), "float32")}
    with pytest.raises(UserError, match=r"conv1\.weight \[32, 128, 3\] instead of \[32, 80, 3\]"):
        load_state(make("tiny"), arrays, "part.bin")


def test_freezing_the_convolutions_leaves_the_rest_to_train():
    backbone = make("tiny")
    before = len(backbone.trainable_variables)
    backbone.freeze_convolutions()
    assert len(backbone.trainable_variables) == before - 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "wav2vec2"}, "model_type 'wav2vec2' is not supported"),
        ({"encoder_attention_heads": 5}, "must divide hidden_size 32"),
        ({"activation_function": "mish"}, "hidden_act must be one of"),
        ({"max_source_positions": 20}, "max_source_positions must be above 25"),
        ({"scale_embedding": True}, "scale_embedding = True is not supported"),
        ({"d_model": "wide"}, "d_model = 'wide' is not of the kind"),
        ({"dropout": 1.5}, "hidden_dropout must be at least 0 and below 1"),
        ({"encoder_layers": 0}, "num_hidden_layers must be at least 1"),
    ],
)
def test_a_configuration_of_another_network_is_refused(change, words):
    with pytest.raises(UserError, match=words):
        WhisperSettings.from_config({**CONFIGS["tiny"], **change})


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_backend_passes_the_same_tests(backend):
    pytest.importorskip(backend)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", str(Path(__file__).parent)]
    done = subprocess.run(
        command, env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
