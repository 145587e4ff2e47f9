"""Train a recipe on a fold, or resume the training, and predict the clips of the fold's own speakers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from training.cross_validation.speaker_folds import SpeakerSplits, write_fold
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict
from training.families.family import Family
from training.families.registry import recipe_of
from training.fitting.observer import Observer
from training.fitting.train import train_unless_done
from training.run.answers import Predictions
from training.run.folder import Run

ObserverOf = Callable[[str, int], AbstractContextManager[Observer]]
"""From the title of a training and its number of epochs to the observer of that training, while it lasts."""


def no_observer(title: str, epochs: int) -> AbstractContextManager[Observer]:  # noqa: ARG001  as `ObserverOf` has it
    """An observer that does nothing."""
    return nullcontext(Observer())


def keep_last(recipe: Any, epochs: int) -> Any:
    """A recipe that trains for a fixed number of epochs and keeps the last, so that no validation speaker is used."""
    return replace(recipe, fit=replace(recipe.fit, keep="last", epochs=epochs, validate_every=epochs))


def fold_recipe(run: Run) -> Any:
    """The recipe by which the folds of a run are trained; it chooses nothing on the speakers that are predicted.

    A run that kept its best epoch chose it on its validation speakers, who are in no fold. Its folds train for as many
    epochs as it took to the kept epoch, with the learning rate schedule ending there, and keep the last epoch.

    Args:
        run: A finished run of any family.

    Raises:
        UserError: If the recipe cannot be repeated, or it is not known which epoch was kept.
    """
    recipe, history = recipe_of(run.config), run.history()
    if not history:
        raise UserError(f"{run.folder} has no history.csv, which tells the epoch that it kept: train the run again")
    validated = [number for number, row in enumerate(history) if row["validation_ua"] is not None]
    if recipe.fit.keep == "last" or not validated:
        return keep_last(recipe, len(history))
    return keep_last(recipe, 1 + max(validated, key=lambda number: history[number]["validation_ua"] or 0.0))


def train_fold(family: Family, recipe: Any, dataset: Dataset, folder: Path, observer: Observer | None = None) -> Run:
    """Train on the dataset of a fold; an interrupted training is resumed, a finished run is returned as it is.

    Args:
        family: The family of the recipe.
        recipe: What to train, and how.
        dataset: Dataset of the fold.
        folder: The run folder.
        observer: Receives progress events.

    Raises:
        UserError: If the folder holds another run, or the fold cannot be trained; see also the family's `train`.
    """
    # Many networks are trained in one process: free what Keras keeps of the last one.
    keras.utils.clear_session()
    return train_unless_done(family, recipe, dataset, folder, observer)


def out_of_fold_predictions(
    family: Family,
    recipe: Any,
    name: str,
    dataset: Dataset,
    folds: Sequence[SpeakerSplits],
    folder: Path,
    condition: Condition,
    observer_of: ObserverOf = no_observer,
) -> Iterator[Predictions]:
    """Train without each fold's speakers and predict their clips. What an interrupted call has finished is kept.

    Args:
        family: The family of the recipe.
        recipe: What to train, and how; see `fold_recipe`.
        name: Name of the model, for the run folders and the titles of the trainings.
        dataset: The dataset whose training split is divided into folds.
        folds: From `speaker_folds`.
        folder: For `K/data` and `K/NAME`, the dataset and the run of fold K.
        condition: The channel and the labels; its split is `validation`, which is that of the fold's own speakers.
        observer_of: Gives the observer of each training.

    Returns:
        The predictions for one fold after the other.

    Raises:
        UserError: If a fold cannot be trained; see `train_fold`.
    """
    for number, fold in enumerate(folds, start=1):
        fold_dataset = write_fold(dataset, fold, folder / str(number) / "data")
        with observer_of(f"{name}, fold {number} of {len(folds)}", recipe.fit.epochs) as observer:
            run = train_fold(family, recipe, fold_dataset, folder / str(number) / name, observer)
        answers = run.answers(condition.title, fold_dataset.fingerprint)
        if answers is None:
            answers = predict(run, fold_dataset, condition)
            run.record_answers(condition.title, answers, fold_dataset.fingerprint)
        yield answers
