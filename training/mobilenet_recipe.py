"""Training a MobileNet from start to run folder: initial weights, which layers learn, calibrated norms, the fit.

The defaults are the best settings known so far; the README gives the command, the time and the figure.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from data_pipeline import datasets
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.log_mel import LogMelSettings
from data_pipeline.targets import Target
from training.fit import Epoch, FitSettings, Observer, fit
from training.front_end import to_config
from training.models import mobilenet
from training.models.batch_norm import recalibrate
from training.models.mobilenet import MobileNetSettings
from training.models.pretrained import PretrainedWeights
from training.run import Run
from training.training_data import describe_training_data

UNFREEZE = ("none", "last", "all")
_RECALIBRATION_BATCHES = 40
_RECALIBRATION_BATCH_SIZE = 32
_LAST_BLOCK = ("layer14_", "conv_dw_13", "conv_pw_13")


@dataclass(frozen=True, slots=True)
class MobileNetRecipe:
    """Everything that decides a MobileNet's training.

    Attributes:
        model: Shape of the network; body and alpha follow the weights where some are given.
        weights: A `yamnet.h5`, a Keras ImageNet file, or None for random weights.
        unfreeze: Which part of the body learns: `none`, `last` (the last block) or `all`. The dense layers always do.
        fit: How it is fitted.
        front_end: Of the log-mels.
        target: Which labels there are and whose word is learned.
    """

    model: MobileNetSettings = field(default_factory=MobileNetSettings)
    weights: Path | None = None
    unfreeze: str = "all"
    fit: FitSettings = field(default_factory=FitSettings)
    front_end: LogMelSettings = field(default_factory=LogMelSettings)
    target: Target = field(default_factory=Target)


def train(
    recipe: MobileNetRecipe, dataset: Dataset, folder: Path, observer: Observer | None = None
) -> tuple[Run, Epoch]:
    """Train a MobileNet and leave a run folder.

    Args:
        recipe: What to train and how.
        dataset: A prepared dataset with sides `train` and `validation`.
        folder: The run folder; must not exist, be empty, or hold the same training, interrupted.
        observer: Told of the progress.

    Returns:
        The run, and its best epoch.

    Raises:
        UserError: If the folder is taken, the weights do not fit, `unfreeze` is unknown, a label has no training clip,
            votes are to be learned that a side does not have, or no epoch could be chosen (see `fit`).
    """
    if recipe.unfreeze not in UNFREEZE:
        raise UserError(f"unfreeze must be one of {', '.join(UNFREEZE)}, not {recipe.unfreeze!r}")
    if recipe.weights is None and recipe.unfreeze != "all":
        raise UserError(f"unfreeze {recipe.unfreeze!r} would keep random layers: give --weights, or unfreeze all")
    data = describe_training_data(dataset, recipe.target)
    weights = PretrainedWeights.recognise(recipe.weights) if recipe.weights else None
    settings = weights.settings(recipe.model) if weights else recipe.model
    keras.utils.set_random_seed(recipe.fit.seed)
    model = mobilenet.build(settings, len(recipe.target.labels), recipe.front_end)
    if weights:
        weights.load_into(model)
    freeze(model, recipe.unfreeze)
    run = Run.create(
        folder,
        {
            "model": {"family": "mobilenet", **asdict(settings)},
            "weights": str(recipe.weights) if recipe.weights else None,
            "unfreeze": recipe.unfreeze,
            "fit": asdict(recipe.fit),
            "front_end": to_config(recipe.front_end),
            "labels": list(recipe.target.labels),
            "label_kind": recipe.target.kind,
            "data": data,
        },
    )
    try:
        if weights and recipe.unfreeze != "none" and not run.state_file.exists():
            recalibrate(model.get_layer("backbone"), _windows(model, dataset, recipe))
        best = fit(model, dataset, run, recipe.fit, recipe.front_end, recipe.target, observer)
    except BaseException:
        run.discard_unless_trained()
        raise
    return run, best


def freeze(model: keras.Model, unfreeze: str) -> None:
    """Set which layers of the body learn; norms of frozen layers keep their statistics.

    Args:
        model: Made by `mobilenet.build`. Changed in place.
        unfreeze: See `MobileNetRecipe`.
    """
    backbone = model.get_layer("backbone")
    backbone.trainable = unfreeze != "none"
    if unfreeze == "last":
        for layer in backbone.layers:
            layer.trainable = layer.name.startswith(_LAST_BLOCK)


def _windows(model: keras.Model, dataset: Dataset, recipe: MobileNetRecipe) -> Iterator[np.ndarray]:
    """Inputs of the backbone for the first epoch's crops, unaugmented."""
    windows = model.get_layer("windows")
    batches = datasets.log_mels(
        dataset,
        "train",
        batch_size=_RECALIBRATION_BATCH_SIZE,
        settings=recipe.front_end,
        training=True,
        seed=recipe.fit.seed,
        crop_seconds=recipe.fit.crop_seconds,
        target=recipe.target,
    )
    for features, _ in batches.take(_RECALIBRATION_BATCHES):
        yield windows(features["log_mel"], features["num_frames"])
