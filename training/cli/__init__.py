"""The commands `ser train …`, `tune`, `ensemble`, `evaluate`, `compare`, `calibrate`, `drift` and `checkpoint …`.

A module each. `flags` makes the flags of `ser train NAME` from a family's settings, `settings_table` the page
`docs/settings.md`.
"""

import typer

from training.cli import calibrate, checkpoint, compare, drift, ensemble, evaluate, tune
from training.cli.train import train_app


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
