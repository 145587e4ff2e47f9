import json
import sys

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from data_pipeline.errors import UserError
from tests.training.checkpoint.saved import (
    CONFIG,
    FEATURE_EXTRACTOR,
    HEADS,
    NEW_NORM,
    OLD_NORM,
    backbone,
    save,
    save_settings,
    save_sharded,
    with_prefix,
)
from training.checkpoint import open_checkpoint


def assert_same(arrays, expected):
    assert set(arrays) == set(expected)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("norm", [OLD_NORM, NEW_NORM])
@pytest.mark.parametrize("prefix", ["", "wav2vec2.", "hubert.", "model."])
def test_names_become_canonical_and_heads_are_left_out(tmp_path, norm, prefix):
    folder = save(tmp_path / "checkpoint", with_prefix(backbone(norm), prefix) | HEADS)
    checkpoint = open_checkpoint(folder)
    assert_same(checkpoint.arrays(), backbone(NEW_NORM))
    assert sorted(checkpoint.left_out) == sorted(HEADS)


def test_an_opened_folder_has_its_settings(tmp_path):
    folder = save(tmp_path / "checkpoint")
    checkpoint = open_checkpoint(str(folder))
    assert checkpoint.source == str(folder)
    assert checkpoint.folder == folder
    assert checkpoint.revision is None
    assert checkpoint.config == CONFIG
    assert checkpoint.feature_extractor == FEATURE_EXTRACTOR


def test_without_a_feature_extractor_the_defaults_of_transformers_hold(tmp_path):
    checkpoint = open_checkpoint(save(tmp_path / "checkpoint", feature_extractor=None))
    assert checkpoint.feature_extractor == {"do_normalize": True, "sampling_rate": 16_000}


def test_tensors_are_described_without_their_numbers(tmp_path):
    folder = save(tmp_path / "checkpoint", backbone() | HEADS)
    described = {tensor.name: tensor for tensor in open_checkpoint(folder).tensors()}
    kernel = described["feature_extractor.conv_layers.0.conv.weight"]
    assert (kernel.shape, kernel.dtype, kernel.file, kernel.used) == (
        (4, 1, 10),
        "float32",
        folder / "model.safetensors",
        True,
    )
    assert not described["lm_head.weight"].used


def test_unknown_names_are_kept_for_the_network_to_report(tmp_path):
    stray = {"wav2vec2.encoder.surprise": np.ones(2, np.float32)}
    checkpoint = open_checkpoint(save(tmp_path / "checkpoint", backbone() | stray))
    assert "encoder.surprise" in checkpoint.arrays()
    assert checkpoint.left_out == []


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_other_floats_become_float32(tmp_path, dtype):
    narrowed = {name: array.astype(dtype) for name, array in backbone().items()}
    checkpoint = open_checkpoint(save(tmp_path / "checkpoint", narrowed))
    assert {tensor.dtype for tensor in checkpoint.tensors()} == {np.dtype(dtype).name}
    assert_same(checkpoint.arrays(), {name: array.astype(np.float32) for name, array in narrowed.items()})


def test_shards_are_put_together(tmp_path):
    checkpoint = open_checkpoint(save_sharded(tmp_path / "checkpoint"))
    assert_same(checkpoint.arrays(), backbone())
    assert len({tensor.file for tensor in checkpoint.tensors()}) == 2


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_of_pytorch_is_read_where_it_is_installed(tmp_path, legacy):
    torch = pytest.importorskip("torch")
    save_settings(tmp_path)
    tensors = {name: torch.from_numpy(array) for name, array in (backbone(OLD_NORM) | HEADS).items()}
    tensors["masked_spec_embed"] = tensors["masked_spec_embed"].to(torch.bfloat16)
    torch.save(tensors, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=not legacy)
    checkpoint = open_checkpoint(tmp_path)
    expected = backbone(NEW_NORM)
    expected["masked_spec_embed"] = expected["masked_spec_embed"].astype(ml_dtypes.bfloat16).astype(np.float32)
    assert_same(checkpoint.arrays(), expected)
    assert sorted(checkpoint.left_out) == sorted(HEADS)
    assert {tensor.dtype for tensor in checkpoint.tensors()} == {"float32", "bfloat16"}


def test_safetensors_are_preferred(tmp_path):
    (save(tmp_path) / "pytorch_model.bin").write_bytes(b"never read")
    assert_same(open_checkpoint(tmp_path).arrays(), backbone())


def _no_torch(folder, monkeypatch):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    monkeypatch.setitem(sys.modules, "torch", None)


def _only(name):
    def change(folder, monkeypatch):
        (folder / "model.safetensors").rename(folder / name)

    return change


def _truncated(length):
    def change(folder, monkeypatch):
        whole = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(whole[:length])

    return change


def _written(name, content):
    def change(folder, monkeypatch):
        (folder / name).write_text(content)

    return change


def _tensors(tensors):
    def change(folder, monkeypatch):
        save_file(backbone() | tensors, folder / "model.safetensors")

    return change


def _pickle(folder, monkeypatch):
    pytest.importorskip("torch")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"not a pickle")


def _without_config(folder, monkeypatch):
    (folder / "config.json").unlink()


def _without_weights(folder, monkeypatch):
    (folder / "model.safetensors").unlink()


_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_without_config, "has no config.json: give the folder"),
        (_without_weights, "has no weights: there should be a model.safetensors"),
        (_only("tf_model.h5"), "only as tf_model.h5"),
        (_only("flax_model.msgpack"), "only as flax_model.msgpack"),
        (_no_torch, "pytorch_model.bin can only be read with PyTorch, which is not installed: `pip install torch`"),
        (_pickle, "pytorch_model.bin holds no weights that PyTorch reads"),
        (_truncated(-10), "model.safetensors is no whole safetensors file"),
        (_truncated(30), "model.safetensors is no whole safetensors file"),
        (_truncated(0), "model.safetensors is no whole safetensors file"),
        (_written("model.safetensors", _POINTER), "run `git lfs pull`"),
        (_written("config.json", "{broken"), "config.json is not valid JSON"),
        (_written("config.json", "[1]"), "config.json should hold a JSON object and holds a list"),
        (
            _written("config.json", '{"model_type": "bert"}'),
            "of model_type 'bert', and only wav2vec2, hubert, wavlm",
        ),
        (_written("config.json", "{}"), "is of model_type None"),
        (_written("preprocessor_config.json", "{broken"), "preprocessor_config.json is not valid JSON"),
        (_written("preprocessor_config.json", '{"sampling_rate": 8000}'), "wants a sampling_rate of 8000"),
        (_written("preprocessor_config.json", '{"do_normalize": "yes"}'), "do_normalize 'yes'"),
        (_tensors({"encoder.whole": np.ones(2, np.int64)}), "stores encoder.whole as int64"),
        (_tensors({"wav2vec2.masked_spec_embed": np.ones(8, np.float32)}), "which are the same part of the network"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_sentence(tmp_path, monkeypatch, change, sentence):
    folder = save(tmp_path / "checkpoint")
    change(folder, monkeypatch)
    with pytest.raises(UserError) as raised:
        open_checkpoint(folder).arrays()
    assert sentence in str(raised.value)
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


_INDEX = "model.safetensors.index.json"
_FIRST = "model-00001-of-00002.safetensors"


@pytest.mark.parametrize(
    ("weight_map", "sentence"),
    [
        ({"masked_spec_embed": "model-00009-of-00002.safetensors"}, "lacks model-00009-of-00002.safetensors"),
        ({"encoder.absent": _FIRST}, f"{_FIRST} has no encoder.absent, though {_INDEX} says so"),
        ({"masked_spec_embed": "../elsewhere.safetensors"}, "which is no file beside it"),
        ({}, "does not say which shard holds which tensor"),
    ],
)
def test_what_is_wrong_with_an_index_is_one_sentence(tmp_path, weight_map, sentence):
    folder = save_sharded(tmp_path / "checkpoint")
    (folder / _INDEX).write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(UserError, match="fetch") as raised:
        open_checkpoint(folder).tensors()
    assert sentence in str(raised.value)


@pytest.mark.parametrize("place", ["./nowhere", "../nowhere/at/all", "/nowhere/at/all", "~/nowhere/at/all"])
def test_a_path_is_never_looked_for_on_the_hub(place):
    with pytest.raises(UserError, match="is not there: give a folder"):
        open_checkpoint(place)


@pytest.mark.parametrize("name", ["wav2vec2-base", "a/b/c", "a b/c", "https://huggingface.co/a/b", ""])
def test_a_text_that_is_neither_a_folder_nor_a_name_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError):
        open_checkpoint(name)


def test_a_folder_has_no_revisions(tmp_path):
    with pytest.raises(UserError, match="has no revisions"):
        open_checkpoint(save(tmp_path / "checkpoint"), "main")


def test_a_file_is_no_checkpoint(tmp_path):
    with pytest.raises(UserError, match="is a file: give the folder"):
        open_checkpoint(save(tmp_path) / "model.safetensors")
