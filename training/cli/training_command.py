"""What every command that trains does around the training: open the data, show the progress, say what came of it."""

import os
from pathlib import Path
from typing import Any

import typer

from data_pipeline.dataset import Dataset
from training.distributed import Team, assemble, explain_lost_worker, keeps_folder
from training.families.registry import Train
from training.fitting.fit import Observer
from training.fitting.observers import Observers
from training.fitting.progress import ProgressBars
from training.fitting.tensorboard import TensorBoardLog


def run_training(train: Train, recipe: Any, data: Path, folder: Path, strategy: str = "none") -> None:
    """Train, and tell.

    Args:
        train: Of a recipe module.
        recipe: With `fit` and `target`.
        data: A prepared dataset's folder.
        folder: The run folder.
        strategy: See `training.distributed.assemble`.

    Raises:
        UserError: See the recipe's `train` and `assemble`; and if another worker of the training is lost.
    """
    # Before all else: workers can only be joined in a process that has not computed anything yet.
    team = assemble(strategy, os.environ.get("TF_CONFIG"))
    with explain_lost_worker(team):
        if keeps_folder(team):
            _train_and_tell(train, recipe, data, folder, team)
        elif team:
            typer.echo(f"worker {team.worker + 1} of {team.workers}: the first keeps the run folder and tells of it")
            train(recipe, Dataset.open(data), folder, Observer(), team)


def _train_and_tell(train: Train, recipe: Any, data: Path, folder: Path, team: Team | None) -> None:
    dataset = Dataset.open(data)
    augment = recipe.fit.augment
    if augment.noise and augment.noise_folder:
        _report_noise(augment.noise_folder)
    for name in ("train", "validation"):
        outside = recipe.target.outside(dataset.split(name))
        if outside:
            counts = ", ".join(f"{emotion} {count:,}" for emotion, count in outside.items())
            typer.echo(f"left out of the {name} side, having none of the labels: {counts}")
    with ProgressBars(recipe.fit.epochs) as bars:
        run, best = train(recipe, dataset, folder, Observers(bars, TensorBoardLog(folder)), team)
    for name, without in run.config["data"]["without_votes"].items():
        if without:
            clips = run.config["data"]["clips"][name]
            typer.echo(f"{without:,} of {clips:,} {name} clips have no votes and count as acted")
    typer.echo(
        f"best epoch {best.epoch}: validation WA {best.validation_wa:.1%}, UA {best.validation_ua:.1%}\n"
        f"run folder: {run.folder}\n"
        f"next: ser evaluate {run.folder} {data}"
    )


def _report_noise(folder: str) -> None:
    from data_pipeline.augment.noise import noise_bank

    unusable = noise_bank(folder).set_aside
    if unusable:
        typer.echo(f"noise files set aside, {len(unusable)} in all: " + "; ".join(map(str, unusable[:5])))
