"""The commands `ser export`, `ser serve`, `ser predict`, `ser embed`, `ser retrain`, `ser promote` and
`ser rollback`; `named_audio` finds the audio that a user names, `options` are those of a server's address.
"""

import typer

from serving.cli.embed import embed
from serving.cli.export import export
from serving.cli.predict import predict
from serving.cli.promote import promote, rollback
from serving.cli.retrain import retrain
from serving.cli.serve import serve


def mount(app: typer.Typer) -> None:
    """Add the commands to `ser`."""
    app.command()(export)
    app.command()(serve)
    app.command()(predict)
    app.command(no_args_is_help=True)(embed)
    app.command(no_args_is_help=True)(retrain)
    app.command(no_args_is_help=True)(promote)
    app.command(no_args_is_help=True)(rollback)
