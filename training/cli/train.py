"""The commands `ser train NAME` for every family, and `ser train from`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_pipeline.command_line import CommandLine, Group
from training.families.registry import family_named, family_names, family_of

if TYPE_CHECKING:
    from training.distributed import Team
    from training.families.family import Family


class _Families(Group):
    """`ser train`: a command for each family that is registered when it runs, and `from`.

    Typer has its own copy of click, so that contexts and commands have no public type.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the families, and `from`."""
        return [*family_names(), *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name."""
        if cmd_name not in family_names():
            return super().get_command(ctx, cmd_name)
        from training.cli.flags import train_command

        app = CommandLine(add_completion=False)
        app.command(cmd_name, no_args_is_help=True)(train_command(family_named(cmd_name), _train_family))
        return typer.main.get_command(app)


train_app = CommandLine(
    cls=_Families,
    no_args_is_help=True,
    help="Train a model on a prepared dataset and leave a run folder.",
)


@train_app.command("from", no_args_is_help=True)
def repeat(
    run: Annotated[Path, typer.Argument(help="A run folder of any family.")],
    new_run: Annotated[
        Path | None,
        typer.Argument(help="The run folder to write. Without it, `RUN` itself continues where it was interrupted."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Another dataset to train on. Defaults to that of the run, unchanged.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed.", min=0)] = None,
    strategy: Annotated[
        str, typer.Option(help="TensorFlow's strategy for many devices, see `ser train mobilenet --help`.")
    ] = "none",
) -> None:
    """Repeat a run from its folder, or continue one that was interrupted.

    Model, settings, labels, seed and data are those of the run: on the same machine with the same versions the weights
    are the same. To change more than seed and data, use `ser train FAMILY DATA NEWRUN --config RUN` with flags.

    Examples: `ser train from out/run out/again`, `ser train from out/run out/other --seed 1`, and after an interruption
    `ser train from out/run`
    """
    from dataclasses import replace

    from data_pipeline.dataset import Dataset
    from data_pipeline.errors import UserError
    from training.run.folder import read_run_config

    if new_run is None and (data or seed is not None):
        raise UserError("another seed or other data make another run: name the folder to write it to")
    config = read_run_config(run)
    family = family_of(config)
    recipe = family.recipe(config, source=str(run / "config.json"))
    if seed is not None:
        recipe = replace(recipe, fit=replace(recipe.fit, seed=seed))
    place = data or Path(config["data"]["folder"])
    if data is None and Dataset.open(place).fingerprint != config["data"]["fingerprint"]:
        raise UserError(
            f"{place} is no longer the data that {run} was trained on: to train on it all the same, give --data {place}"
        )
    _run_training(family, recipe, place, new_run or run, strategy)


def _train_family(
    family: "Family",
    data: Path,
    run: Path,
    config: Path | None,
    preset: str | None,
    strategy: str,
    values: dict[str, Any],
) -> None:
    """Train by a preset or a file, with the values of the flags."""
    from training.families.settings_file import read_settings_file

    content = read_settings_file(config) if config else {}
    recipe = family.given_flags(family.recipe(content, preset, str(config) if config else ""), values)
    _run_training(family, recipe, data, run, strategy)


def _run_training(family: "Family", recipe: Any, data: Path, folder: Path, strategy: str) -> None:
    """Train, and print the progress and the result.

    Args:
        family: Family of the model.
        recipe: A recipe of that family.
        data: Folder of a prepared dataset.
        folder: The run folder.
        strategy: See `training.distributed.assemble`.

    Raises:
        UserError: See `train` and `assemble`; and if another worker of the training is lost.
    """
    from data_pipeline.dataset import Dataset
    from training.distributed import assemble, explain_lost_worker, keeps_folder
    from training.fitting.observer import Observer
    from training.fitting.train import train

    # Before anything else: workers can only be joined in a process that has not computed anything yet.
    team = assemble(strategy, os.environ.get("TF_CONFIG"))
    with explain_lost_worker(team):
        if keeps_folder(team):
            _train_and_print(family, recipe, data, folder, team)
        elif team:
            typer.echo(f"worker {team.worker + 1} of {team.workers}: the first one writes the run folder and prints")
            train(family, recipe, Dataset.open(data), folder, Observer(), team)


def _train_and_print(family: "Family", recipe: Any, data: Path, folder: Path, team: "Team | None") -> None:
    from data_pipeline.dataset import Dataset
    from training.fitting.observer import Observers
    from training.fitting.progress import ProgressBars
    from training.fitting.tensorboard import TensorBoardLog
    from training.fitting.train import train

    dataset = Dataset.open(data)
    augment = recipe.fit.augment
    if augment.noise and augment.noise_folder:
        _report_noise(augment.noise_folder)
    for name in ("train", "validation"):
        outside = recipe.target.outside(dataset.split(name))
        if outside:
            counts = ", ".join(f"{emotion} {count:,}" for emotion, count in outside.items())
            typer.echo(f"left out of the {name} split because none of the labels fits: {counts}")
    with ProgressBars(recipe.fit.epochs) as bars:
        run, best = train(family, recipe, dataset, folder, Observers(bars, TensorBoardLog(folder)), team)
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
