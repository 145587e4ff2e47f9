"""Training a MobileNet from start to run folder: initial weights, which layers learn, calibrated norms, the fit."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from data_pipeline import input_pipeline
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from training.distributed import Team, keeps_folder, scope
from training.families.mobilenet import network as mobilenet
from training.families.mobilenet.batch_norm import recalibrate
from training.families.mobilenet.network import MobileNetSettings
from training.families.mobilenet.pretrained import PretrainedWeights
from training.families.model_fields import without_kinds
from training.fitting.fit import Epoch, FitSettings, Observer, fit
from training.fitting.training_data import describe_learning
from training.run.folder import Run

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
        unfreeze: Which part of the body learns: `none`, `last` (the last block) or `all`. What stands on it always
            does.
        unfreeze_epochs: Epochs over which the body begins to learn, its top block first and the bottom one last
            (gradual unfreezing; Howard and Ruder 2018, arXiv:1801.06146, section 3.3); 0: all of it at once.
        layer_decay: Learning rate of a block of the body over that of the block above it.
        head_scale: Learning rate of what stands on the body over that of the body's top block.
        fit: How it is fitted.
        front_end: Of the log-mels.
        target: Which labels there are and whose word is learned.
    """

    model: MobileNetSettings = field(default_factory=MobileNetSettings)
    weights: Path | None = None
    unfreeze: str = "all"
    unfreeze_epochs: float = 0.0
    layer_decay: float = 1.0
    head_scale: float = 1.0
    fit: FitSettings = field(default_factory=FitSettings)
    front_end: LogMelSettings = field(default_factory=LogMelSettings)
    target: Target = field(default_factory=Target)

    def __post_init__(self) -> None:
        if self.unfreeze not in UNFREEZE:
            raise UserError(f"unfreeze must be one of {', '.join(UNFREEZE)}, not {self.unfreeze!r}")
        if self.unfreeze_epochs < 0 or not 0 < self.layer_decay <= 1 or self.head_scale < 0:
            raise UserError(
                "unfreeze_epochs and head_scale are 0 or more, and layer_decay lies above 0 and up to 1, not "
                f"{self.unfreeze_epochs:g}, {self.head_scale:g} and {self.layer_decay:g}"
            )


def train(
    recipe: MobileNetRecipe,
    dataset: Dataset,
    folder: Path,
    observer: Observer | None = None,
    team: Team | None = None,
) -> tuple[Run, Epoch]:
    """Train a MobileNet and leave a run folder.

    Args:
        recipe: What to train and how.
        dataset: A prepared dataset with sides `train` and `validation`.
        folder: The run folder; must not exist, be empty, or hold the same training, interrupted.
        observer: Told of the progress.
        team: Of replicas that learn together; None for a model alone. See `fit`.

    Returns:
        The run, and its best epoch.

    Raises:
        UserError: If the folder is taken, the weights do not fit, random layers would be kept, a label has no training
            clip, votes are to be learned that a side does not have, or no epoch could be chosen (see `fit`).
    """
    if recipe.weights is None and (recipe.unfreeze != "all" or recipe.unfreeze_epochs):
        raise UserError("a body of random weights has to learn from the start: give --weights, or unfreeze all at once")
    learning = describe_learning(dataset, recipe.fit, recipe.front_end, recipe.target)
    recipe = settled(recipe)
    weights = PretrainedWeights.recognise(recipe.weights) if recipe.weights else None
    keras.utils.set_random_seed(recipe.fit.seed)
    with scope(team):
        model = mobilenet.build(recipe.model, len(recipe.target.labels), recipe.front_end)
    if weights:
        weights.load_into(model)
    freeze(model, recipe.unfreeze)
    run = Run.create(
        folder,
        {
            "model": {"family": "mobilenet", **asdict(recipe.model)},
            "weights": str(recipe.weights) if recipe.weights else None,
            "unfreeze": recipe.unfreeze,
            "unfreeze_epochs": recipe.unfreeze_epochs,
            "layer_decay": recipe.layer_decay,
            "head_scale": recipe.head_scale,
            **learning,
        },
        keeps_folder(team),
    )
    with run.discarded_unless_trained():
        if weights and recipe.unfreeze != "none" and not run.state_file.exists():
            recalibrate(model.get_layer("backbone"), _windows(model, dataset, recipe))
        scales, delays = learning_rates(model, recipe)
        best = fit(
            model,
            dataset,
            run,
            recipe.fit,
            recipe.front_end,
            recipe.target,
            observer,
            scales=scales,
            delays=delays,
            team=team,
        )
    return run, best


def settled(recipe: MobileNetRecipe) -> MobileNetRecipe:
    """The recipe with the body, width and norms that its initial weights fit.

    Raises:
        UserError: If the weights are missing, or no MobileNet's.
    """
    if recipe.weights is None:
        return recipe
    return replace(recipe, model=PretrainedWeights.recognise(recipe.weights).settings(recipe.model))


def stated_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration states, by the fields of the recipe; see `families.Family`."""
    return without_kinds(config)


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


def learning_rates(model: keras.Model, recipe: MobileNetRecipe) -> tuple[list[float], list[float]]:
    """How fast each weight learns, and from when on.

    Args:
        model: Made by `mobilenet.build`, and frozen as it is to be.
        recipe: See `layer_decay`, `head_scale` and `unfreeze_epochs`.

    Returns:
        For each of `model.trainable_variables`, in their order: what the learning rate is multiplied by, and the epochs
        after which the weight begins to learn.
    """
    blocks = {
        id(weight): mobilenet.block(layer.name)
        for layer in model.get_layer("backbone").layers
        for weight in layer.weights
    }
    scales, delays = [], []
    for weight in model.trainable_variables:
        below = mobilenet.BLOCKS - blocks[id(weight)] if id(weight) in blocks else 0
        scales.append(recipe.layer_decay ** (below - 1) if below else recipe.head_scale)
        delays.append(recipe.unfreeze_epochs * below / mobilenet.BLOCKS)
    return scales, delays


def _windows(model: keras.Model, dataset: Dataset, recipe: MobileNetRecipe) -> Iterator[np.ndarray]:
    """Inputs of the backbone for the first epoch's crops, unaugmented."""
    windows = model.get_layer("windows")
    batches = input_pipeline.log_mels(
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
