"""The Audio Spectrogram Transformer from random weights to an exported model."""

import json

import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

from serving.export.saved_model import export_model
from tests.data_pipeline.prepared import write_dataset
from tests.training.families.ast.tiny import CONFIGS
from tests.voice import voice
from training.families.ast.classifier import AstClassifier
from training.families.ast.family import FAMILY
from training.families.ast.recipe import PRESETS, AstRecipe
from training.families.ast.settings import AstSettings
from training.families.recipe import FitSettings
from training.families.transformer.head_settings import HeadSettings
from training.fitting.train import train
from training.run.folder import Run

SMALL = CONFIGS["overlapping"]


def test_it_learns_is_exported_and_answers(tmp_path):
    dataset = write_dataset(tmp_path / "data", train=36, validation=12)
    augment = PRESETS["fine-tune"].fit.augment
    fit = FitSettings(epochs=3, patience=3, batch_size=12, learning_rate=3e-3, crop_seconds=0.4, augment=augment)
    recipe = AstRecipe(
        architecture=AstSettings.from_config(SMALL), learn="all", head=HeadSettings(projection=16), fit=fit
    )
    run, _ = train(FAMILY, recipe, dataset, tmp_path / "run")
    losses = [row["loss"] for row in run.history()]
    assert losses[-1] < losses[0]
    opened = Run.open(run.folder)
    assert opened.config["model"]["family"] == "ast"
    recogniser = opened.recogniser()
    ask = tf.saved_model.load(str(export_model(recogniser, tmp_path / "models", "ast"))).signatures["serving_default"]
    # The second clip is longer than the table of positions.
    clips = np.stack([np.pad(voice(0.5), (0, 24_000), constant_values=7.0), voice(2.0)]).astype(np.float32)
    lengths = np.array([8_000, 32_000], np.int32)
    answer = ask(waveform=tf.constant(clips), num_samples=tf.constant(lengths))["probabilities"].numpy()
    alone = recogniser(tf.constant(clips[:1, :8_000]), tf.constant(lengths[:1])).numpy()
    np.testing.assert_allclose(answer[0], alone[0], atol=1e-4)


def test_a_checkpoint_gives_the_backbone(tmp_path):
    first = AstClassifier(AstSettings.from_config(SMALL), 6)
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"num_mel_bins": 36, "mean": -3.5, "std": 4.0}))
    tensors = {f"audio_spectrogram_transformer.{name}": array for name, array in first.backbone_arrays().items()}
    save_file({**tensors, "classifier.dense.weight": np.zeros((5, 32), "float32")}, tmp_path / "model.safetensors")
    second = AstClassifier.from_pretrained(tmp_path, 6)
    for name, array in first.backbone_arrays().items():
        np.testing.assert_array_equal(second.backbone_arrays()[name], array)
    assert (second.backbone.settings.mean, second.backbone.settings.std) == (-3.5, 4.0)
