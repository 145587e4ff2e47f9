"""The command `ser ensemble`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.cli.evaluate import check_place

if TYPE_CHECKING:
    from training.cross_validation.stored_answers import StoredAnswers
    from training.fitting.observer import Observer

TRAIN = "train"
"""In place of a file with out-of-fold predictions: the folds of this member are trained here."""


def ensemble(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN RUN...", help="Run folders of any families, trained on the same data and labels."),
    ],
    output: Annotated[
        Path, typer.Option(help="The run folder to write. The same command resumes an interrupted ensemble.")
    ],
    folds: Annotated[
        int,
        typer.Option(help="Number of folds of the training speakers. Every member is trained once for each.", min=2),
    ] = 5,
    out_of_fold: Annotated[
        list[str] | None,
        typer.Option(
            "--out-of-fold",
            metavar="FILE.npz:NAME",
            help="Predictions of a cross-validation, instead of training a member's folds: once for each RUN, in their "
            "order; `train` for a member whose folds are trained here.",
        ),
    ] = None,
    channel: Annotated[
        str, typer.Option(help="Channel that clips go through before members predict them, see `ser evaluate`.")
    ] = "clean",
    biases: Annotated[
        bool, typer.Option("--biases", help="Also fit a bias for each emotion, beside the weights.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="The members' data, if they have moved since the members were trained.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write weights and metrics to this file, as one JSON object.")
    ] = None,
) -> None:
    """Combine runs into one that predicts with all of them, by a weighted geometric mean of their probabilities.

    The weights are fitted on predictions for the training speakers, each from trainings without the fold that the
    speaker is in, since the RUNs themselves were trained on all of these speakers. The metrics that are printed use
    weights that were fitted on other folds. Members that are calibrated predict at their temperature.

    OUTPUT is a run folder like any other: `ser evaluate`, `calibrate`, `compare` and `export` take it, and the RUNs are
    not needed any more.

    Examples: `ser ensemble out/mobilenet out/wav2vec2 --output out/ensemble`,
    `ser ensemble out/a out/b --output out/ab --out-of-fold out/cv/predictions.npz:clean --out-of-fold train`
    """
    import json

    from data_pipeline.storage.atomic_file import write_text
    from training.accelerator import leave_to_keras
    from training.ensemble.ensemble import ANSWERS, FOLDS, EnsembleDefinition, EnsembleSettings, make_ensemble
    from training.ensemble.members import members_of
    from training.ensemble.out_of_fold import FIGURES, read_figures
    from training.ensemble.training_clips import TrainingClips
    from training.report.terminal import show_members

    check_place(json_file, "--json")
    # Before TensorFlow reads data, which makes it take the graphics card.
    leave_to_keras()
    settings = EnsembleSettings(folds, channel, biases)
    members = members_of(runs)
    clips = TrainingClips.of(members[0].run, data)
    given = _given([member.name for member in members], out_of_fold or [])
    for stored in given.values():
        if others := clips.num_others(stored):
            typer.echo(
                f"{stored.source}: {others:,} clips that are not in the training split are left out; the models that "
                "predicted them may have learned from their speakers"
            )
    made = make_ensemble(EnsembleDefinition(members, clips, settings, given), output, _progress_bars)
    figures = read_figures(made)
    show_members(made, figures)
    written = [str(output / name) for name in ("model.keras", "config.json", FIGURES, ANSWERS)]
    if json_file:
        content = {key: made.config["model"][key] for key in ("members", "biases")}
        write_text(json_file, json.dumps({**content, **figures}, indent=2) + "\n")
        written.append(str(json_file))
    typer.echo("written: " + ", ".join(written))
    if (output / FOLDS).exists():
        typer.echo(f"{output / FOLDS} is not needed any more")
    typer.echo(f"next: ser evaluate {output} {clips.dataset.folder}")


def _given(names: list[str], files: list[str]) -> "dict[str, StoredAnswers]":
    """The predictions that are given, by the names of the members."""
    from data_pipeline.errors import UserError
    from training.cross_validation.stored_answers import read_stored

    if files and len(files) != len(names):
        raise UserError(
            f"--out-of-fold is given {len(files)} times for {len(names)} runs: give it once for each, in their order, "
            f"as FILE.npz:NAME or {TRAIN}"
        )
    return {name: read_stored(file) for name, file in zip(names, files, strict=False) if file != TRAIN}


@contextmanager
def _progress_bars(title: str, epochs: int) -> "Iterator[Observer]":
    from training.fitting.progress import ProgressBars

    typer.echo(title)
    with ProgressBars(epochs) as bars:
        yield bars
