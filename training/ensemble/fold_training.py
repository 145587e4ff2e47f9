"""A member trained again without each fold's speakers, and asked about them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np

from data_pipeline.dataset import Dataset
from data_pipeline.prepare.combine import combine
from data_pipeline.splits import SplitName
from training.ensemble.members import Member, right_answers
from training.ensemble.training_side import TrainingSide
from training.evaluation.condition import Condition
from training.evaluation.evaluate import predict
from training.families.registry import family_of
from training.fitting.finished import finished
from training.fitting.fit import Observer
from training.run.answers import Predictions
from training.run.folder import Run

Watch = Callable[[str, int], AbstractContextManager[Observer]]
"""From what is trained and for how many epochs to who is told of it, while it lasts."""


def unwatched(title: str, epochs: int) -> AbstractContextManager[Observer]:  # noqa: ARG001  as `Watch` has it
    """Tells nobody."""
    return nullcontext(Observer())


def fold_answers(
    member: Member,
    recipe: Any,
    side: TrainingSide,
    fold_of: Mapping[str, int],
    folder: Path,
    channel: str = "clean",
    watch: Watch = unwatched,
) -> np.ndarray:
    """What a member's like says of each training clip, having been trained without the fold of its speaker.

    What the folder holds of an earlier call, interrupted, is not done again.

    Args:
        member: Whose place the trainings take.
        recipe: From `fold_recipe`.
        side: The training side.
        fold_of: The fold of each of its speakers, from 1.
        folder: For `K/data` and `K/MEMBER`, the data and the run of fold K.
        channel: What clips go through before they are asked about; see `channel.channel_named`.
        watch: Who is told of the trainings.

    Returns:
        float [clips, classes], at the temperature 1.

    Raises:
        UserError: If a fold cannot be trained; see the recipe's `train`.
    """
    condition = Condition("validation", channel, labels=right_answers(member.run))
    found = np.empty((len(side.names), len(member.run.labels)))
    folds = max(fold_of.values())
    for fold in range(1, folds + 1):
        dataset = _without(fold, side, fold_of, folder / str(fold) / "data")
        with watch(f"{member.name}, fold {fold} of {folds}", recipe.fit.epochs) as observer:
            # Many networks in one process: what Keras keeps of the last goes before the next.
            keras.utils.clear_session()
            run = finished(family_of(member.run.config), recipe, dataset, folder / str(fold) / member.name, observer)
        answers = _answers(run, dataset, condition)
        found[side.places(answers.names, answers.speakers)] = answers.probabilities
    return found


def _without(fold: int, side: TrainingSide, fold_of: Mapping[str, int], folder: Path) -> Dataset:
    """The training side as a dataset of its own, in which the speakers of one fold validate."""
    sides: dict[str, SplitName] = {
        speaker: "validation" if number == fold else "train" for speaker, number in fold_of.items()
    }
    return combine([side.dataset], folder, sides)


def _answers(run: Run, dataset: Dataset, condition: Condition) -> Predictions:
    known = run.answers(condition.title, dataset.fingerprint)
    if known is not None:
        return known
    answers = predict(run, dataset, condition)
    run.record_answers(condition.title, answers, dataset.fingerprint)
    return answers
