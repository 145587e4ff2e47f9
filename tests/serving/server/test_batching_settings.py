"""`batching.config` files that TensorFlow Serving accepts, and those that it would refuse."""

import pytest

from data_pipeline.errors import UserError
from serving.model_repository import server_config
from serving.server.batching_settings import BatchingSettings


def read(tmp_path, text: str) -> BatchingSettings:
    path = tmp_path / "batching.config"
    path.write_text(text)
    return BatchingSettings.read(path)


def test_an_empty_file_means_tensorflow_servings_defaults(tmp_path):
    assert read(tmp_path, "") == BatchingSettings(max_batch_size=1_000, timeout=0.0, max_enqueued_batches=10)


def test_what_an_export_writes_is_taken(tmp_path):
    server_config.register(tmp_path, "ser")
    settings = BatchingSettings.read(tmp_path / "batching.config")
    assert settings.pad_variable_length_inputs
    assert settings.allowed_batch_sizes[-1] == settings.max_batch_size
    assert settings.split_large_calls
    assert settings.max_execution_batch_size in settings.allowed_batch_sizes


@pytest.mark.parametrize(("batches", "threads"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_processors_are_shared_out_among_batches(monkeypatch, batches, threads):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert BatchingSettings(threads=batches).threads_a_batch == threads


def test_large_calls_may_be_split(tmp_path):
    text = """max_batch_size { value: 8 } allowed_batch_sizes: [4, 8] enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 4 } batch_timeout_micros { value: 1500 } num_batch_threads { value: 3 }"""
    settings = read(tmp_path, text)
    assert (settings.max_batch_size, settings.max_execution_batch_size, settings.threads) == (8, 4, 3)
    assert settings.timeout == pytest.approx(0.0015)


@pytest.mark.parametrize(("rows", "padded"), [(1, 2), (2, 2), (3, 8), (8, 8)])
def test_a_batch_is_filled_up_to_the_next_allowed_size(rows, padded):
    assert BatchingSettings(max_batch_size=8, allowed_batch_sizes=(2, 8)).padded_size(rows) == padded
    assert BatchingSettings().padded_size(rows) == rows


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("max_batch_size { value: 8 } allowed_batch_sizes: [2, 4]", "the last being max_batch_size, 8"),
        ("max_batch_size { value: 4 } allowed_batch_sizes: [2, 2, 4]", "list them in ascending order"),
        ("max_batch_size { value: 0 }", "max_batch_size is 0"),
        ("num_batch_threads { value: 0 }", "num_batch_threads is 0"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros is negative"),
        ("max_batch_size: 3", "is not a BatchingParameters in text form"),
        ("nonsense", "is not a BatchingParameters in text form"),
    ],
)
def test_what_tensorflow_serving_would_refuse_is_named(tmp_path, text, sentence):
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        BatchingSettings.read(tmp_path / "gone")
