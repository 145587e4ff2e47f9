"""Training a small convolutional network from random weights to a run folder."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.dataset import Dataset
from data_pipeline.targets import Target
from training.distributed import Team, keeps_folder, scope
from training.families.cnn import network as cnn
from training.families.cnn.network import CnnSettings
from training.families.model_fields import without_initial_weights, without_kinds
from training.fitting.fit import Epoch, FitSettings, Observer, fit
from training.fitting.training_data import describe_learning
from training.run.folder import Run


@dataclass(frozen=True, slots=True)
class CnnRecipe:
    """Everything that decides its training.

    Attributes:
        model: Shape of the network.
        fit: How it is fitted.
        front_end: Of the log-mels.
        target: Which labels there are and whose word is learned.
    """

    model: CnnSettings = field(default_factory=CnnSettings)
    fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=20, learning_rate=1e-3))
    front_end: LogMelSettings = field(default_factory=LogMelSettings)
    target: Target = field(default_factory=Target)


PRESETS = {"plain": CnnRecipe()}


def train(
    recipe: CnnRecipe,
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
        model = cnn.build(recipe.model, len(recipe.target.labels), recipe.front_end)
    described = {"model": {"family": "cnn", **asdict(recipe.model)}, "weights": None, **learning}
    run = Run.create(folder, described, keeps_folder(team))
    with run.discarded_unless_trained():
        best = fit(model, dataset, run, recipe.fit, recipe.front_end, recipe.target, observer, team=team)
    return run, best


def stated_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration states, by the fields of the recipe; see `families.Family`."""
    return without_kinds(without_initial_weights(config))
