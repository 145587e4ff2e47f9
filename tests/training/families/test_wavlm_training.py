"""WavLM from random weights to an exported model; its network is tested with that of wav2vec 2.0."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from data_pipeline.errors import UserError
from serving.export.saved_model import export_model
from tests.data_pipeline.prepared import write_dataset
from tests.training.families.wav2vec2.tiny import CONFIGS
from tests.voice import voice
from training.checkpoint import open_checkpoint
from training.families.recipe import FitSettings
from training.families.transformer.head_settings import HeadSettings
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wavlm.classifier import WavLMClassifier
from training.families.wavlm.family import FAMILY
from training.families.wavlm.recipe import PRESETS, WavLMRecipe
from training.families.wavlm.settings import WavLMSettings
from training.fitting.train import train
from training.run.folder import Run

SMALL = CONFIGS["wavlm"]


def test_it_learns_is_exported_and_answers(tmp_path):
    dataset = write_dataset(tmp_path / "data", train=36, validation=12)
    fit = FitSettings(
        epochs=3,
        patience=3,
        batch_size=12,
        learning_rate=3e-3,
        crop_seconds=0.4,
        augment=PRESETS["fine-tune"].fit.augment,
    )
    shape = WavLMSettings.from_config(SMALL)
    recipe = WavLMRecipe(architecture=shape, learn="all", head=HeadSettings(projection=16), fit=fit)
    run, _ = train(FAMILY, recipe, dataset, tmp_path / "run")
    losses = [row["loss"] for row in run.history()]
    assert losses[-1] < losses[0]
    opened = Run.open(run.folder)
    assert opened.config["model"]["family"] == "wavlm"
    recogniser = opened.recogniser()
    ask = tf.saved_model.load(str(export_model(recogniser, tmp_path / "models", "wavlm"))).signatures["serving_default"]
    clips = np.stack([voice(1.0), np.pad(voice(0.5), (0, 8_000), constant_values=7.0)]).astype(np.float32)
    lengths = np.array([16_000, 8_000], np.int32)
    answer = ask(waveform=tf.constant(clips), num_samples=tf.constant(lengths))["probabilities"].numpy()
    alone = recogniser(tf.constant(clips[1:, :8_000]), tf.constant(lengths[1:])).numpy()
    np.testing.assert_allclose(answer[1], alone[0], atol=1e-4)


def test_a_checkpoint_gives_the_backbone_with_its_relative_positions(tmp_path):
    first = WavLMClassifier(WavLMSettings.from_config(SMALL), 6)
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    save_file(
        {f"wavlm.{name}": array for name, array in first.backbone_arrays().items()}, tmp_path / "model.safetensors"
    )
    second = WavLMClassifier.from_pretrained(tmp_path, 6)
    for name, array in first.backbone_arrays().items():
        np.testing.assert_array_equal(second.backbone_arrays()[name], array)
    assert any("rel_attn_embed" in name for name in first.backbone_arrays())
    assert open_checkpoint(tmp_path).architecture.title == "WavLM"
    with pytest.raises(UserError, match="is of model_type 'wavlm', and only wav2vec2 and hubert can be read here"):
        Wav2Vec2Classifier.from_pretrained(tmp_path, 6)


@pytest.mark.parametrize("change", [{"num_buckets": 6}, {"max_bucket_distance": 4}])
def test_impossible_buckets_are_refused(change):
    with pytest.raises(UserError, match="num_buckets must be a multiple of 4"):
        replace(WavLMSettings.from_config(SMALL), **change)
