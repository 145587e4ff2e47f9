"""Embeddings: the same from a run, from an exported model and from its signature, and the way back to probabilities."""

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import tensorflow as tf
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from serving.status import RowStatus
from tests.voice import voice


def batch(*waveforms):
    padded = np.full((len(waveforms), max(map(len, waveforms)) + 100), np.nan, np.float32)
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return {
        "waveform": tf.constant(padded),
        "num_samples": tf.constant([len(one) for one in waveforms], tf.int32),
    }


def functions(version):
    model = tf.saved_model.load(str(version))
    return {
        name: lambda name=name, **given: {key: value.numpy() for key, value in model.signatures[name](**given).items()}
        for name in model.signatures
    }


@pytest.mark.parametrize("kind", ["mobilenet", "without a layer of that name"])
def test_an_embedding_is_classified_as_the_clip_is(kind, mobilenet_version, models):
    ask = functions(mobilenet_version if kind == "mobilenet" else models / "ser" / "1")
    clips = batch(voice(1.0), voice(0.4), np.zeros(16_000, np.float32))
    answers, embedded = ask["serving_default"](**clips), ask["embedding"](**clips)
    np.testing.assert_array_equal(embedded["status"], answers["status"])
    assert embedded["status"][2] == RowStatus.SILENT
    assert not embedded["embedding"][2].any()
    again = ask["classify_embedding"](embedding=tf.constant(embedded["embedding"][:2]))
    np.testing.assert_allclose(again["probabilities"], answers["probabilities"][:2], atol=1e-6)
    assert again["emotion"].tolist() == answers["emotion"][:2].tolist()


def test_an_embedding_does_not_depend_on_the_batch(mobilenet_version):
    ask = functions(mobilenet_version)
    alone = ask["embedding"](**batch(voice(0.4)))["embedding"][0]
    together = ask["embedding"](**batch(voice(1.0), voice(0.4)))["embedding"][1]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-4 * np.abs(alone).max())


def test_an_embedding_that_is_none_has_a_status(mobilenet_version):
    ask = functions(mobilenet_version)
    size = ask["embedding"](**batch(voice(0.4)))["embedding"].shape[1]
    answer = ask["classify_embedding"](embedding=tf.fill([2, size], float("nan")))
    assert answer["status"].tolist() == [RowStatus.NOT_FINITE] * 2
    assert answer["emotion"].tolist() == [b"", b""]


def test_a_batch_without_rows_has_no_embeddings(mobilenet_version):
    ask = functions(mobilenet_version)
    empty = {"waveform": tf.zeros([0, 0]), "num_samples": tf.zeros([0], tf.int32)}
    assert ask["embedding"](**empty)["embedding"].shape[0] == 0


@pytest.fixture
def audio(tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    for number, seconds in enumerate((1.0, 0.5)):
        soundfile.write(folder / f"{number}.wav", voice(seconds), 16_000)
    return folder


def run(*arguments):
    return CliRunner().invoke(ser.app, ["embed", *map(str, arguments)])


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_ser_embed_writes_what_the_signature_gives(mobilenet_version, audio, tmp_path, suffix):
    output = tmp_path / f"all.{suffix}"
    done = run(mobilenet_version.parent, audio, "--output", output)
    assert done.exit_code == 0, done.output
    assert f"written: {output}, embeddings of 2 files" in done.output
    if suffix == "npz":
        with np.load(output) as arrays:
            names, values = arrays["audio"].tolist(), arrays["embedding"]
    else:
        table = pyarrow.parquet.read_table(output)
        names, values = table["audio"].to_pylist(), np.array(table["embedding"].to_pylist(), np.float32)
    assert names == [str(audio / "0.wav"), str(audio / "1.wav")]
    samples, _ = soundfile.read(audio / "1.wav", dtype="float32")
    expected = functions(mobilenet_version)["embedding"](**batch(samples))["embedding"][0]
    np.testing.assert_allclose(values[1], expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_what_cannot_be_judged_is_left_out_and_listed(mobilenet_version, audio, tmp_path):
    soundfile.write(audio / "silence.wav", np.zeros(16_000), 16_000)
    done = run(mobilenet_version.parent, audio, "--output", tmp_path / "all.npz")
    assert done.exit_code == 1
    assert "left out: " in done.output
    assert "silence.wav" in done.output
    assert "embeddings of 2 files" in done.output
    assert "1 left out" in done.output


@pytest.mark.parametrize(
    ("output", "words"),
    [("all.csv", "another suffix than .npz or .parquet"), ("nowhere/all.npz", "there is no folder")],
)
def test_an_output_that_cannot_be_is_refused_first(mobilenet_version, audio, tmp_path, output, words):
    done = run(mobilenet_version.parent, audio, "--output", tmp_path / output)
    assert isinstance(done.exception, UserError)
    assert words in str(done.exception)
