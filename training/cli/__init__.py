"""The commands `ser train …`, `tune`, `ensemble`, `evaluate`, `compare`, `calibrate`, `drift` and `checkpoint …`.

A module each.
"""

import typer

from training.cli import (
    calibrate,
    checkpoint,
    cnn,
    compare,
    drift,
    ensemble,
    evaluate,
    functionals,
    mobilenet,
    repeat,
    tune,
    wav2vec2,
)

train_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train a model on a prepared dataset and leave a run folder.",
)

train_app.command(no_args_is_help=True)(mobilenet.mobilenet)
train_app.command(no_args_is_help=True)(cnn.cnn)
train_app.command(no_args_is_help=True)(functionals.functionals)
train_app.command(no_args_is_help=True)(wav2vec2.wav2vec2)
train_app.command("from", no_args_is_help=True)(repeat.repeat)


def mount(app: typer.Typer) -> None:
    """Add this package's commands to `ser`."""
    app.add_typer(train_app, name="train")
    app.command(no_args_is_help=True)(tune.tune)
    app.add_typer(checkpoint.checkpoint_app, name="checkpoint")
    app.command(no_args_is_help=True)(ensemble.ensemble)
    app.command()(evaluate.evaluate)
    app.command(no_args_is_help=True)(compare.compare)
    app.command()(calibrate.calibrate)
    app.command(no_args_is_help=True)(drift.drift)
