"""The command `ser train from`."""

from pathlib import Path
from typing import Annotated

import typer

from training.cli import options


def repeat(
    run: Annotated[Path, typer.Argument(help="A run folder, of whatever family.")],
    new_run: Annotated[
        Path | None,
        typer.Argument(help="The run folder to write; without it, `RUN` itself goes on, where it was interrupted."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Other data to train on; the run's own, unchanged, unless given.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed.", min=0)] = None,
    strategy: options.Strategy = "none",
) -> None:
    """Repeat a run from its folder, or go on with one that was interrupted.

    Model, settings, labels, seed and data are those of the run: on the same machine and versions the weights come out
    the same. To change more than seed and data, give `ser train FAMILY DATA NEWRUN --config RUN` with options.

    Examples: `ser train from out/run out/again`, `ser train from out/run out/other --seed 1`, and after an interruption
    `ser train from out/run`
    """
    from dataclasses import replace

    from data_pipeline.dataset import Dataset
    from data_pipeline.errors import UserError
    from training.cli.training_command import run_training
    from training.families.registry import family_of
    from training.run.folder import read_config

    if new_run is None and (data or seed is not None):
        raise UserError("another seed or other data make another run: name the folder to write it to")
    config = read_config(run)
    family = family_of(config)
    recipe = family.recipe(config, source=str(run / "config.json"))
    if seed is not None:
        recipe = replace(recipe, fit=replace(recipe.fit, seed=seed))
    place = data or Path(config["data"]["folder"])
    if data is None and Dataset.open(place).fingerprint != config["data"]["fingerprint"]:
        raise UserError(
            f"{place} is no longer the data that {run} was trained on: to train on it all the same, give --data {place}"
        )
    run_training(family.train, recipe, place, new_run or run, strategy)
