"""The commands `ser data …`, one module each; `terminal` has what several of them show."""

import typer

from data_pipeline.cli import check, download, listing, plot, prepare, synthesize
from data_pipeline.command_line import CommandLine

data_app = CommandLine(
    no_args_is_help=True,
    help="Work with corpora: list, download, check, prepare and plot them.",
)

data_app.command("list")(listing.list_corpora)
data_app.command(no_args_is_help=True)(download.download)
data_app.command(no_args_is_help=True)(synthesize.synthesize)
data_app.command(no_args_is_help=True)(check.check)
data_app.command(no_args_is_help=True)(prepare.prepare)
data_app.command(no_args_is_help=True)(plot.plot)


def mount(app: typer.Typer) -> None:
    """Add this package's commands to `ser`."""
    app.add_typer(data_app, name="data")
