"""Whisper's encoder from a checkpoint to a run: heads on embeddings, adapters, the encoder itself."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from tests.data_pipeline.prepared import write_dataset
from tests.training.families.whisper.small import SMALL, write_checkpoint
from training.checkpoint import open_checkpoint
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict
from training.families.transformer.embeddings import Embedder, EmbeddingStore, default_folder
from training.families.transformer.front_end import EmbeddingFrontEnd
from training.families.whisper.classifier import WhisperClassifier
from training.families.whisper.family import FAMILY
from training.families.whisper.recipe import PRESETS
from training.fitting.observer import Observer
from training.fitting.train import train
from training.run.folder import Run


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Embeddings of tests are kept where the test is."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield default_folder()
    os.environ.pop("XDG_CACHE_HOME")
    if before is not None:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("dataset"), train=60, validation=24)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


def small(checkpoint, preset="frozen", **fit):
    recipe = replace(PRESETS[preset], checkpoint=str(checkpoint), copies=2)
    target = replace(recipe.target, votes_share=0.0)
    short = {"epochs": 4, "patience": 4, "batch_size": 12, "learning_rate": 3e-3, "crop_seconds": 0.4, **fit}
    return replace(recipe, target=target, fit=replace(recipe.fit, **short))


@pytest.fixture(scope="module")
def trained(dataset, checkpoint, tmp_path_factory):
    return train(FAMILY, small(checkpoint), dataset, tmp_path_factory.mktemp("runs") / "run")


class Counter(Observer):
    """Counts the clips whose embeddings were needed, and ends the training as if the power failed."""

    def __init__(self, last_epoch=None):
        self.clips, self.last_epoch = 0, last_epoch

    def on_embedded(self, clips):
        self.clips += clips

    def on_epoch_begin(self, epoch, steps):
        del steps
        if epoch == self.last_epoch:
            os.kill(os.getpid(), signal.SIGKILL)


def weights(run):
    return [weight.numpy() for weight in run.recogniser().model.weights]


def test_a_head_learns_and_the_run_hears_waveforms(trained, dataset):
    run, best = trained
    losses = [row["loss"] for row in run.history()]
    assert losses[-1] < losses[0]
    assert run.config["front_end"] == {"kind": "waveform", "sample_rate": 16_000}
    # The whole model, on waveforms, answers as the head did on the embeddings that were kept.
    answers = predict(Run.open(run.folder), dataset, Condition("validation"))
    right = answers.probabilities.argmax(1) == answers.truth
    recalls = [right[answers.truth == label].mean() for label in range(6)]
    assert np.mean(recalls) == pytest.approx(best.validation_ua)


def test_the_encoder_is_that_of_the_checkpoint(trained, checkpoint):
    run, _ = trained
    stored = load_file(checkpoint / "model.safetensors")
    for name, array in run.recogniser().model.backbone_arrays().items():
        np.testing.assert_array_equal(array, stored[f"model.encoder.{name}"])


def test_embeddings_are_computed_once(trained, dataset, checkpoint, cache, tmp_path):
    files = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")}
    assert files
    observer = Counter()
    again, _ = train(FAMILY, small(checkpoint), dataset, tmp_path / "again", observer)
    assert observer.clips == 2 * 60 + 24
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.npy")} == files
    for mine, its in zip(weights(again), weights(trained[0]), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_a_killed_run_goes_on_to_the_same_weights(trained, dataset, checkpoint, tmp_path):
    script = f"""
        from pathlib import Path
        from data_pipeline.dataset import Dataset
        from tests.training.families.test_whisper_training import Counter, small
        from training.families.whisper.family import FAMILY
        from training.fitting.train import train
        folder = Path({str(tmp_path / "run")!r})
        train(FAMILY, small({str(checkpoint)!r}), Dataset.open({str(dataset.folder)!r}), folder, Counter(3))
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    resumed, _ = train(FAMILY, small(checkpoint), dataset, tmp_path / "run")
    for mine, its in zip(weights(resumed), weights(trained[0]), strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=2e-5)


def test_a_changed_copy_depends_on_the_clip_and_not_on_its_dataset(checkpoint, tmp_path):
    few = write_dataset(tmp_path / "few", train=12, validation=12)
    classifier = WhisperClassifier.from_pretrained(checkpoint, 6, head=PRESETS["frozen"].head, learn="head")
    front_end = EmbeddingFrontEnd(Embedder(classifier), copies=2)
    options = {"training": True, "seed": 3, "augment": PRESETS["frozen"].fit.augment, "crop_seconds": 0.4}

    def rows(batch_size, epoch):
        batches = front_end.batches(few, "train", batch_size=batch_size, epoch=epoch, **options)
        return np.concatenate([features["embedding"] for features, _ in batches.as_numpy_iterator()])

    np.testing.assert_array_equal(rows(5, 0), rows(12, 0))
    assert not np.array_equal(rows(12, 0), rows(12, 1))


@pytest.mark.parametrize("preset", ["lora", "fine-tune"])
def test_the_encoder_learns(dataset, checkpoint, tmp_path, preset):
    run, _ = train(FAMILY, small(checkpoint, preset), dataset, tmp_path / "run")
    losses = [row["loss"] for row in run.history()]
    assert losses[-1] < losses[0]
    recogniser = Run.open(run.folder).recogniser()
    assert recogniser.model.learn == ("lora" if preset == "lora" else "encoder")


def test_statistics_of_an_encoder_that_learns(dataset, tmp_path):
    architecture = tmp_path / "config.json"
    architecture.write_text(json.dumps(SMALL))
    recipe = replace(small(None), checkpoint=None, architecture=architecture, learn="all")
    run, _ = train(FAMILY, replace(recipe, fit=replace(recipe.fit, epochs=2)), dataset, tmp_path / "run")
    assert np.isfinite([row["loss"] for row in run.history()]).all()
    # The scores were fitted to embeddings of the first weights.
    assert not np.allclose(run.recogniser().model.scores.mean.numpy(), 0)


def test_a_clip_answers_the_same_alone_in_a_batch_and_before_anything(trained):
    model = trained[0].recogniser().model
    random = np.random.default_rng(0)
    clip = 0.1 * random.standard_normal(9_000).astype("float32")
    batch = np.full((3, 100_000), np.nan, "float32")
    batch[0, :9_000], batch[1, :60_000], batch[2] = clip, 0.1, 0.05 * random.standard_normal(100_000)
    lengths = np.array([9_000, 60_000, 100_000], "int32")
    alone = model({"waveform": clip[None], "num_samples": lengths[:1]}).numpy()
    together = model({"waveform": batch, "num_samples": lengths}).numpy()
    np.testing.assert_allclose(together[0], alone[0], atol=1e-5)
    assert np.isfinite(together).all()


def test_the_store_forgets_what_is_half_copied(tmp_path):
    store = EmbeddingStore(tmp_path, 3)
    store.add([b"a" * 16, b"b" * 16], np.arange(6.0).reshape(2, 3))
    assert store[b"b" * 16].tolist() == [3.0, 4.0, 5.0]
    [path] = tmp_path.glob("*.npy")
    path.write_bytes(path.read_bytes()[:-5])
    other = EmbeddingStore(tmp_path, 3)
    other.refresh()
    assert b"a" * 16 not in other
    other.add([b"a" * 16, b"b" * 16], np.ones((2, 3)))
    again = EmbeddingStore(tmp_path, 3)
    again.refresh()
    assert again[b"a" * 16].tolist() == [1.0, 1.0, 1.0]


def test_a_cache_that_cannot_be_written_is_named(dataset, checkpoint, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    with pytest.raises(UserError, match="where embeddings are kept: set XDG_CACHE_HOME"):
        train(FAMILY, small(checkpoint), dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def ask(*arguments):
    return CliRunner().invoke(ser.app, ["train", "whisper", *map(str, arguments)])


def test_the_command_trains_from_a_checkpoint_folder(dataset, checkpoint, tmp_path):
    options = ("--epochs", 2, "--votes-share", 0, "--crop-seconds", 0.4, "--copies", 1)
    said = ask(dataset.folder, tmp_path / "run", "--checkpoint", checkpoint, *options)
    assert said.exit_code == 0, said.output
    run = Run.open(tmp_path / "run")
    assert run.config["weights"]["checkpoint"] == str(checkpoint)
    assert run.config["model"]["family"] == "whisper"
    assert "best epoch" in said.output


class TestCheckpoints:
    """What cannot be used is refused in one sentence."""

    def refused(self, folder):
        with pytest.raises(UserError) as caught:
            WhisperClassifier.from_pretrained(folder, 6)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def test_the_whole_model_the_encoder_and_the_classifier(self, checkpoint, tmp_path):
        whole = WhisperClassifier.from_pretrained(checkpoint, 6)
        for number, prefix in enumerate(("model.encoder.", "encoder.", "")):
            folder = write_checkpoint(tmp_path / str(number), prefix=prefix)
            for name, array in WhisperClassifier.from_pretrained(folder, 6).backbone_arrays().items():
                np.testing.assert_array_equal(array, whole.backbone_arrays()[name])
        assert open_checkpoint(checkpoint).left_out == ["model.decoder.embed_tokens.weight"]

    def test_another_architecture(self, tmp_path):
        folder = write_checkpoint(tmp_path / "other")
        (folder / "config.json").write_text(json.dumps({**SMALL, "model_type": "wav2vec2"}))
        assert "is of model_type 'wav2vec2', and only whisper can be read here" in self.refused(folder)

    def test_only_a_decoder(self, tmp_path):
        folder = write_checkpoint(tmp_path / "decoder")
        save_file({"model.decoder.embed_tokens.weight": np.zeros((60, 32), "float32")}, folder / "model.safetensors")
        assert "holds no tensor of the encoder of Whisper" in self.refused(folder)

    def test_another_number_of_mel_bands(self, tmp_path):
        folder = write_checkpoint(tmp_path / "bands")
        (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": 128}))
        assert "feature_size 128 and config.json num_mel_bins 80" in self.refused(folder)
        (folder / "preprocessor_config.json").unlink()
        (folder / "config.json").write_text(json.dumps({**SMALL, "num_mel_bins": 128}))
        assert "conv1.weight [32, 80, 3] instead of [32, 128, 3]" in self.refused(folder)

    def test_a_missing_tensor(self, tmp_path):
        folder = write_checkpoint(tmp_path / "missing")
        tensors = load_file(folder / "model.safetensors")
        del tensors["model.encoder.layers.1.fc1.bias"]
        save_file(tensors, folder / "model.safetensors")
        assert "lacks layers.1.fc1.bias" in self.refused(folder)
