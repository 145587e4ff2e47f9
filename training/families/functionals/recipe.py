"""Training a network on functionals to a run folder."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from data_pipeline import input_pipeline
from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.augment import AugmentSettings
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from training.distributed import Team, keeps_folder, scope
from training.families.functionals import network as functionals_network
from training.families.functionals.functionals import FRAMES_PER_SECOND, LEAST_BANDS
from training.families.functionals.network import FunctionalsSettings
from training.families.model_fields import without_initial_weights, without_kinds
from training.fitting.fit import Epoch, FitSettings, Observer, fit
from training.fitting.training_data import describe_learning
from training.run.folder import Run

_SCORED_BATCHES = 40
"""Of training clips, which standard scores are made to fit."""

_SCORED_BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class FunctionalsRecipe:
    """Everything that decides its training.

    Attributes:
        model: Shape of the network.
        fit: How it is fitted. SpecAugment's masks are off, since statistics over time cannot hear past them.
        front_end: Of the log-mels; they reach lower in level and in frequency than a MobileNet's, which pretrained
            weights decide.
        target: Which labels there are and whose word is learned.

    Raises:
        UserError: If the log-mels are not those that functionals are of; see `Functionals`.
    """

    model: FunctionalsSettings = field(default_factory=FunctionalsSettings)
    fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            epochs=24,
            weight_decay=0.05,
            augment=AugmentSettings(band_masks=0, frame_masks=0, speed=0.5, telephone=0.5),
        )
    )
    front_end: LogMelSettings = field(
        default_factory=lambda: LogMelSettings(num_bands=40, low=20.0, high=7_900.0, offset=1e-5)
    )
    target: Target = field(default_factory=Target)

    def __post_init__(self) -> None:
        if self.front_end.sample_rate != FRAMES_PER_SECOND * self.front_end.hop:
            raise UserError(
                f"front_end.hop is {self.front_end.hop}: functionals are of {FRAMES_PER_SECOND} frames a second, so "
                f"that it is {self.front_end.sample_rate // FRAMES_PER_SECOND}"
            )
        if self.front_end.num_bands < LEAST_BANDS:
            raise UserError(f"front_end.num_bands is {self.front_end.num_bands}: give {LEAST_BANDS} or more")


PRESETS = {"plain": FunctionalsRecipe()}


def train(
    recipe: FunctionalsRecipe,
    dataset: Dataset,
    folder: Path,
    observer: Observer | None = None,
    team: Team | None = None,
) -> tuple[Run, Epoch]:
    """Train the network and leave a run folder.

    Args:
        recipe: What to train and how.
        dataset: A prepared dataset with sides `train` and `validation`.
        folder: The run folder; must not exist, be empty, or hold the same training, interrupted.
        observer: Told of the progress.
        team: Of replicas that learn together; None for a model alone. See `fit`.

    Returns:
        The run, and its best epoch.

    Raises:
        UserError: If the folder is taken, or the data do not suffice (see `describe_training_data` and `fit`).
    """
    learning = describe_learning(dataset, recipe.fit, recipe.front_end, recipe.target)
    keras.utils.set_random_seed(recipe.fit.seed)
    with scope(team):
        model = functionals_network.build(recipe.model, len(recipe.target.labels), recipe.front_end)
    described = {"model": {"family": "functionals", **asdict(recipe.model)}, "weights": None, **learning}
    run = Run.create(folder, described, keeps_folder(team))
    with run.discarded_unless_trained():
        if not run.state_file.exists():
            functionals_network.fit_scores(model, _clips(dataset, recipe))
        best = fit(model, dataset, run, recipe.fit, recipe.front_end, recipe.target, observer, team=team)
    return run, best


def _clips(dataset: Dataset, recipe: FunctionalsRecipe) -> Iterator[dict[str, tf.Tensor]]:
    """Inputs of the network: clips as it will learn from them."""
    batches = input_pipeline.log_mels(
        dataset,
        "train",
        batch_size=_SCORED_BATCH_SIZE,
        settings=recipe.front_end,
        training=True,
        seed=recipe.fit.seed,
        augment=recipe.fit.augment,
        crop_seconds=recipe.fit.crop_seconds,
        target=recipe.target,
    )
    for features, _ in itertools.islice(batches, _SCORED_BATCHES):
        yield features


def stated_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration states, by the fields of the recipe; see `families.Family`."""
    return without_kinds(without_initial_weights(config))
