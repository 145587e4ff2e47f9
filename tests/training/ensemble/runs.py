"""Small runs of two families, with random weights or trained for a moment."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from data_pipeline.augment import AugmentSettings
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import LABELS
from tests.training.families.wav2vec2.small import SMALL
from training.cross_validation.stored_answers import write_stored
from training.families.cnn.family import FAMILY
from training.families.cnn.recipe import CnnRecipe, CnnSettings
from training.families.recipe import FitSettings
from training.families.transformer.head_settings import HeadSettings
from training.families.wav2vec2.family import FAMILY as WAV2VEC2
from training.families.wav2vec2.recipe import Wav2Vec2Recipe
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.fitting.train import run_config, train
from training.fitting.training_data import describe_training_data
from training.run.folder import Run

RECIPE = CnnRecipe(
    model=CnnSettings(filters=(8,), window_frames=48, hidden=8, dropout=0.0),
    fit=FitSettings(
        epochs=2, batch_size=18, learning_rate=1e-2, crop_seconds=0.4, augment=AugmentSettings(mixup=0.0), keep="best"
    ),
)


def log_mel_run(dataset: Dataset, folder: Path, seed: int = 0) -> Run:
    """A trained CNN."""
    return train(FAMILY, replace(RECIPE, fit=replace(RECIPE.fit, seed=seed)), dataset, folder)[0]


def waveform_run(dataset: Dataset, folder: Path) -> Run:
    """A wav2vec 2.0 of random weights, large enough that sounds get different answers."""
    keras.utils.set_random_seed(3)
    shape = Wav2Vec2Settings.from_config({**SMALL, "num_hidden_layers": 1})
    recipe = Wav2Vec2Recipe(architecture=shape, head=HeadSettings(projection=16), learn="all")
    model = WAV2VEC2.build(recipe)
    model.emotion.kernel.assign(0.4 * np.random.default_rng(0).normal(size=model.emotion.kernel.shape))
    run = Run.create(folder, run_config(WAV2VEC2, recipe, model, describe_training_data(dataset, recipe.target)))
    run.save_model(model)
    run.write_history([{"epoch": 1, "validation_ua": 0.2}])
    return run


def clips_of(dataset: Dataset, split: str, clips: int, speakers: int = 3) -> dict[str, np.ndarray]:
    """The clips that `prepared.write_dataset` put into a split, in another order."""
    order = np.random.default_rng(1).permutation(clips)
    return {
        "name": np.array([f"{split}_{index}" for index in order]),
        "speaker": np.array([f"synthetic/{split}{index // 6 % speakers}" for index in order]),
        "truth": order % 6,
        "labels": np.array(list(map(str, LABELS))),
    }


def write_answers(file: Path, clips: dict[str, np.ndarray], trust: float = 2.0, seed: int = 0, **changes) -> str:
    """A cross-validation's answers that lean towards the truth, as `FILE.npz:clean`."""
    scores = np.random.default_rng(seed).normal(size=(len(clips["truth"]), 6)) + trust * np.eye(6)[clips["truth"]]
    raised = np.exp(scores)
    write_stored(file, {**clips, "clean": raised / raised.sum(1, keepdims=True), **changes})
    return f"{file}:clean"
