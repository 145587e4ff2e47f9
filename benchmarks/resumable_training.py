"""Trainings of a benchmark that may be stopped at any time and go on with the same command."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_pipeline.dataset import Dataset
    from training.evaluation.evaluate import Predictions
    from training.families.registry import Family
    from training.run.folder import Run

CHANNELS = ("clean", "telephone")


def trained(family: "Family", recipe: Any, dataset: "Dataset", folder: Path) -> "Run":
    """The run of a recipe: the finished one that is in the folder, or trained now, from where it stopped.

    Args:
        family: Of what is trained.
        recipe: What to train and how.
        dataset: On what.
        folder: The run folder.

    Raises:
        UserError: See `training.fitting.finished.finished`.
    """
    from training.fitting.finished import finished
    from training.fitting.progress import ProgressBars

    with ProgressBars(recipe.fit.epochs) as bars:
        return finished(family, recipe, dataset, folder, bars)


def answers(run: "Run", dataset: "Dataset") -> "dict[str, Predictions]":
    """What a run says of the validation speakers through each of `CHANNELS`."""
    from training.evaluation.condition import Condition
    from training.evaluation.evaluate import predict

    return {channel: predict(run, dataset, Condition(channel=channel)) for channel in CHANNELS}
