"""Training a model of any family, from a recipe to a run folder."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.records.damage import damage_named
from data_pipeline.storage.claimed_folder import claimed
from training.accelerator import leave_to_keras
from training.distributed import Team, keeps_folder, scope
from training.families.family import Family, LearningPart
from training.families.registry import recipe_of
from training.fitting.fit import fit
from training.fitting.observer import Epoch, Observer
from training.fitting.training_data import describe_training_data
from training.run.folder import Run


def train(
    family: Family,
    recipe: Any,
    dataset: Dataset,
    folder: Path,
    observer: Observer | None = None,
    team: Team | None = None,
) -> tuple[Run, Epoch]:
    """Train a model and leave a run folder.

    Args:
        family: Family of the model.
        recipe: A recipe of that family.
        dataset: A prepared dataset with the splits `train` and `validation`.
        folder: The run folder. It must not exist, be empty, or hold the same training, interrupted.
        observer: Receives progress events.
        team: Replicas that learn together. None for a single model.

    Returns:
        The run, and the epoch whose weights it keeps.

    Raises:
        UserError: If the folder is taken, or another training writes to it at the moment; if the recipe contradicts
            itself, its initial weights cannot be used, or the data are damaged or do not suffice (see
            `describe_training_data` and `fit`).
    """
    leave_to_keras()
    with damage_named(dataset):
        return _train(family, recipe, dataset, folder, observer, team)


def _train(
    family: Family, recipe: Any, dataset: Dataset, folder: Path, observer: Observer | None, team: Team | None
) -> tuple[Run, Epoch]:
    data = describe_training_data(dataset, recipe.target)
    recipe = family.settled(recipe)
    keras.utils.set_random_seed(recipe.fit.seed)
    with scope(team):
        model = family.build(recipe)
    kept_here = keeps_folder(team)
    with claimed(folder) if kept_here else nullcontext():
        run = Run.create(folder, run_config(family, recipe, model, data), kept_here)
        with run.discarded_unless_trained():
            # Replicas learn with the whole model: what is computed once would have to be shared among machines.
            whole = LearningPart(model, family.front_end(recipe))
            part = whole if team else family.learning_part(model, recipe, (observer or Observer()).on_embedded)
            if not run.state_file.exists():
                family.fit_to_data(model, recipe, dataset, part.front_end)
            best = fit(
                part.model,
                dataset,
                run,
                recipe.fit,
                part.front_end,
                recipe.target,
                observer,
                whole=model,
                rates=family.learning_rates(model, recipe),
                jit_compile=family.compiles(),
                team=team,
            )
    return run, best


def run_config(family: Family, recipe: Any, model: keras.Model, data: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `config.json`, apart from the versions of the packages.

    Args:
        family: Family of the model.
        recipe: A settled recipe of that family.
        model: The model that was built from it.
        data: From `describe_training_data`.
    """
    return {
        **family.describe(recipe, model),
        "fit": asdict(recipe.fit),
        "front_end": family.front_end(recipe).to_config(),
        "labels": list(recipe.target.labels),
        "label_kind": recipe.target.kind,
        "votes_share": recipe.target.votes_share,
        "data": dict(data),
    }


def train_unless_done(
    family: Family, recipe: Any, dataset: Dataset, folder: Path, observer: Observer | None = None
) -> Run:
    """The run of a recipe: the complete one in the folder, or else a new one, or the interrupted one continued.

    Args:
        family: Family of the model.
        recipe: A recipe of that family.
        dataset: A prepared dataset.
        folder: The run folder.
        observer: Receives progress events.

    Raises:
        UserError: If the folder holds another run; see also `train`.
    """
    if not (folder / "model.keras").exists() or Run(folder, {}).state_file.exists():
        return train(family, recipe, dataset, folder, observer)[0]
    run = Run.open(folder)
    if run.config["data"]["fingerprint"] != dataset.fingerprint or recipe_of(run.config) != family.settled(recipe):
        raise UserError(f"{folder} holds another run: choose another folder")
    return run
