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
from tests.training.families.ast.tiny import CONFIGS, SHORT, WHOLE, stand_in_weights, voice
from tests.training.families.wav2vec2.golden.make_golden import projected
from tests.training.families.wav2vec2.tiny import close
from training.checkpoint.architectures import AST
from training.families.ast.backbone import AstBackbone
from training.families.ast.settings import AstSettings
from training.families.ast.state import load_state, state_arrays, state_names

GOLDEN = Path(__file__).parent / "golden" / "golden.npz"
_OLD = "audio_spectrogram_transformer.encoder.layer"
BACKBONES: dict[str, AstBackbone] = {}
EXAMPLES = 2 if keras.backend.backend() == "jax" else 6


def make(name: str, changes: dict | None = None, **kwargs) -> AstBackbone:
    backbone = AstBackbone(AstSettings.from_config({**CONFIGS[name], **(changes or {})}), **kwargs)
    load_state(backbone, stand_in_weights({key: a.shape for key, a in state_arrays(backbone).items()}), "the test")
    return backbone


def cached(name: str) -> AstBackbone:
    if name not in BACKBONES:
        BACKBONES[name] = make(name)
    return BACKBONES[name]


def encode(backbone: AstBackbone, clips: list[np.ndarray], filler: float = 0.0, extra: int = 0, **kwargs):
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
    golden, clip = np.load(GOLDEN), voice(WHOLE[name] if kind == "whole" else SHORT)
    log_mel, frames = cached(name).filter_bank(clip[None], np.array([len(clip)], "int32"))
    expected = golden[f"{name}/{kind}/log_mel"]
    assert ops.convert_to_numpy(frames).tolist() == [len(expected)]
    close(ops.convert_to_numpy(log_mel)[0], expected)
    output = encode(cached(name), [clip])
    for state, wanted in zip(all_states(output), golden[f"{name}/{kind}/states"], strict=True):
        close(state[0], wanted)
    assert output["mask"].all()


@pytest.mark.parametrize("name", CONFIGS)
def test_the_reference_itself_agrees(name):
    torch = pytest.importorskip("torch")
    from tests.training.families.ast.reference import reference_log_mel, reference_model

    clip = voice(WHOLE[name])
    with torch.no_grad():
        features = torch.from_numpy(reference_log_mel(clip, CONFIGS[name]))[None]
        answer = reference_model(CONFIGS[name])(features).last_hidden_state.numpy()
    close(encode(cached(name), [clip])["last_hidden_state"], answer)


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    lengths=strategies.lists(strategies.integers(1, 30_000), min_size=1, max_size=3),
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


def gradients(backbone: AstBackbone, samples: int) -> dict[str, np.ndarray]:
    """Of a sum over all hidden states, by the PyTorch names and as PyTorch lays tensors out."""
    inputs = {"waveform": voice(samples)[None], "num_samples": np.array([samples], "int32")}
    names = state_names(backbone)

    def loss():
        states = all_states_of(backbone(inputs))
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

            found = jax.jit(jax.grad(loss_of))([variable.value for variable in names.values()])
    arrays = {name: ops.convert_to_numpy(gradient) for name, gradient in zip(names, found, strict=True)}
    return {name: array if "embeddings." in name and "patch" not in name else np.transpose(array)
            for name, array in arrays.items()}  # fmt: skip


def all_states_of(output):
    return [*output["hidden_states"], output["last_hidden_state"]]


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_have_the_norms_and_directions_of_the_reference(name):
    golden = np.load(GOLDEN)
    expected = dict(zip(str(golden[f"{name}/names"]).split(), golden[f"{name}/gradients"], strict=True))
    actual = gradients(make(name), SHORT)
    assert actual.keys() == expected.keys()
    overall = np.sqrt(sum(value[0] ** 2 for value in expected.values()))
    for key, value in expected.items():
        tolerance = max(1e-3 * value[0], 1e-4 * overall)
        # A product with a standard normal vector is, in the mean of squares, as large as the difference itself.
        assert np.abs(projected(actual[key]) - value).max() < 3 * tolerance, key


def test_sixteen_bits_stay_near_the_answer():
    clips = [voice(SHORT), voice(2_000)]
    output = encode(make("overlapping", dtype="mixed_bfloat16"), clips, float("nan"))
    expected = encode(cached("overlapping"), clips)
    valid = expected["mask"].astype(bool)
    close(output["last_hidden_state"][valid], expected["last_hidden_state"][valid], 0.1)


def test_the_state_makes_the_round_trip():
    backbone = make("overlapping")
    arrays = state_arrays(backbone)
    other = AstBackbone.from_config(backbone.get_config())
    load_state(other, arrays, "copy")
    for key, value in state_arrays(other).items():
        np.testing.assert_array_equal(value, arrays[key])
    assert sum(value.size for value in arrays.values()) == backbone.count_params()


@pytest.mark.parametrize(
    ("stored", "canonical"),
    [
        (f"{_OLD}.3.attention.attention.query.bias", "layers.3.attention.q_proj.bias"),
        (f"{_OLD}.0.attention.attention.value.weight", "layers.0.attention.v_proj.weight"),
        ("encoder.layer.11.attention.output.dense.weight", "layers.11.attention.o_proj.weight"),
        ("encoder.layer.1.intermediate.dense.bias", "layers.1.mlp.fc1.bias"),
        ("encoder.layer.1.output.dense.bias", "layers.1.mlp.fc2.bias"),
        ("encoder.layer.1.layernorm_before.weight", "layers.1.layernorm_before.weight"),
        ("layers.1.mlp.fc1.weight", "layers.1.mlp.fc1.weight"),
        ("audio_spectrogram_transformer.embeddings.cls_token", "embeddings.cls_token"),
        ("classifier.dense.weight", None),
    ],
)  # fmt: skip
def test_checkpoints_of_all_versions_have_one_name_for_a_tensor(stored, canonical):
    assert AST.canonical(stored) == canonical


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "vit"}, "model_type 'vit' is not supported"),
        ({"num_attention_heads": 5}, "must divide hidden_size 32"),
        ({"max_length": 10}, "max_length must be at least patch_size"),
        ({"time_stride": 20}, "would leave frames out"),
        ({"qkv_bias": False}, "qkv_bias = False is not supported"),
    ],
)
def test_a_configuration_of_another_network_is_refused(change, words):
    with pytest.raises(UserError, match=words):
        AstSettings.from_config({**CONFIGS["overlapping"], **change})


def test_files_that_disagree_about_mel_bands_are_refused():
    with pytest.raises(UserError, match=r"num_mel_bins 128 and config\.json 36"):
        AstSettings.from_config(CONFIGS["overlapping"], {"num_mel_bins": 128})


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
