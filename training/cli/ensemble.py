"""The command `ser ensemble`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from training.ensemble.ensemble import Plan
    from training.fitting.observer import Observer

TRAIN = "train"
"""In the place of a file with out-of-fold answers: the folds of this member are trained here."""


def ensemble(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN RUN...", help="Run folders of any families, trained on the same data and labels."),
    ],
    output: Annotated[
        Path, typer.Option(help="The run folder to write; the same command goes on where an interrupted one stopped.")
    ],
    folds: Annotated[
        int, typer.Option(help="Of the training speakers: every member is trained so many times again.", min=2)
    ] = 5,
    out_of_fold: Annotated[
        list[str] | None,
        typer.Option(
            "--out-of-fold",
            metavar="FILE.npz:NAME",
            help="Answers of a cross-validation, instead of training a member's folds: once for each RUN, in their "
            "order; `train` for a member whose folds are trained here.",
        ),
    ] = None,
    channel: Annotated[
        str, typer.Option(help="What clips go through before members are asked, see `ser evaluate`.")
    ] = "clean",
    biases: Annotated[
        bool, typer.Option("--biases", help="Also fit a bias for each emotion, beside the weights.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Where the members' data lie now; where they were unless given.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write weights and figures to this file, as one JSON object.")
    ] = None,
) -> None:
    """Put runs together to one that answers with all of them, as a weighted geometric mean.

    The weights are fitted on answers to the training speakers, each from trainings that left out the fold that the
    speaker is in: RUNs have heard everybody themselves. The figures that are printed are of weights fitted on other
    speakers than those that they are judged on. Members that are calibrated answer at their temperature.

    OUTPUT is a run folder as any other: `ser evaluate`, `calibrate`, `compare` and `export` take it, and the RUNs are
    not needed any more.

    Examples: `ser ensemble out/mobilenet out/wav2vec2 --output out/ensemble`,
    `ser ensemble out/a out/b --output out/ab --out-of-fold out/cv/predictions.npz:clean --out-of-fold train`
    """
    import json

    from data_pipeline.errors import UserError
    from data_pipeline.storage.atomic_file import write_text
    from training.accelerator import leave_to_keras
    from training.ensemble.ensemble import ANSWERS, FOLDS, EnsembleSettings, Plan, make_ensemble
    from training.ensemble.members import members_of
    from training.ensemble.out_of_fold import FIGURES, read_figures
    from training.ensemble.training_side import TrainingSide
    from training.report.ensemble import show

    if json_file and (json_file.is_dir() or not json_file.absolute().parent.is_dir()):
        raise UserError(f"{json_file} is no place for a file: give --json a file name in a folder that exists")
    # Before TensorFlow reads data, and with that takes the card.
    leave_to_keras()
    settings = EnsembleSettings(folds, channel, biases)
    members = members_of(runs)
    side = TrainingSide.of(members[0].run, data)
    plan = Plan(members, side, settings, _given([member.name for member in members], out_of_fold or []))
    _tell_of_others(plan)
    made = make_ensemble(plan, output, _watching)
    figures = read_figures(made)
    show(made, figures)
    written = [str(output / name) for name in ("model.keras", "config.json", FIGURES, ANSWERS)]
    if json_file:
        told = {key: made.config["model"][key] for key in ("members", "biases")}
        write_text(json_file, json.dumps({**told, **figures}, indent=2) + "\n")
        written.append(str(json_file))
    typer.echo("written: " + ", ".join(written))
    if (output / FOLDS).exists():
        typer.echo(f"{output / FOLDS} is not needed any more")
    typer.echo(f"next: ser evaluate {output} {side.dataset.folder}")


def _given(names: list[str], files: list[str]) -> dict:
    """The answers that are given, by the names of the members."""
    from data_pipeline.errors import UserError
    from training.ensemble.stored_answers import read_stored

    if files and len(files) != len(names):
        raise UserError(
            f"--out-of-fold is given {len(files)} times for {len(names)} runs: give it once for each, in their order, "
            f"as FILE.npz:NAME or {TRAIN}"
        )
    return {name: read_stored(file) for name, file in zip(names, files, strict=False) if file != TRAIN}


def _tell_of_others(plan: "Plan") -> None:
    from training.ensemble.given_answers import beyond

    for stored in plan.given.values():
        if others := beyond(stored, plan.side):
            typer.echo(
                f"{stored.source}: {others:,} clips that are not on the training side are left out; the models that "
                "answered may have learned from their speakers"
            )


@contextmanager
def _watching(title: str, epochs: int) -> "Iterator[Observer]":
    from training.fitting.progress import ProgressBars

    typer.echo(title)
    with ProgressBars(epochs) as bars:
        yield bars
