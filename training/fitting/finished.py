"""A training that may have been done before, or in part."""

from pathlib import Path
from typing import Any

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.families.registry import Family, recipe_of
from training.fitting.fit import Observer
from training.run.folder import Run


def finished(family: Family, recipe: Any, dataset: Dataset, folder: Path, observer: Observer | None = None) -> Run:
    """The run of a recipe: the finished one that is in the folder, or trained now, from where it stopped.

    Args:
        family: Of the recipe.
        recipe: What to train and how.
        dataset: On what.
        folder: The run folder.
        observer: Told of the progress.

    Raises:
        UserError: If the folder holds another run; see also the family's `train`.
    """
    if not (folder / "model.keras").exists() or Run(folder, {}).state_file.exists():
        return family.train(recipe, dataset, folder, observer)[0]
    run = Run.open(folder)
    if run.config["data"]["fingerprint"] != dataset.fingerprint or recipe_of(run.config) != family.settled(recipe):
        raise UserError(f"{folder} holds another run: choose another folder")
    return run
