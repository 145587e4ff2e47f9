"""The `ser` command: speech emotion recognition from audio files to answers over gRPC."""

import sys
from pathlib import Path
from typing import Annotated

import typer

import data_pipeline.cli
import quiet_tensorflow
import serving.cli
import training.cli
from data_pipeline.errors import UserError

app = typer.Typer(
    name="ser",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=(
        "Recognise emotion in recorded speech.\n\n"
        "The way of the data: `ser data prepare` turns a corpus into records, `ser train` trains a model on them, "
        "`ser evaluate` measures it, `ser export` writes it for TensorFlow Serving, `ser serve` answers gRPC "
        "calls with it, and `ser predict` asks.\n\n"
        "`make demo` walks the whole way."
    ),
)

# Each package mounts its own commands. Their modules import nothing heavy until a command runs, so that
# `ser --help` answers at once.
data_pipeline.cli.mount(app)
training.cli.mount(app)
serving.cli.mount(app)


@app.command()
def demo(
    data: Annotated[Path | None, typer.Option(help="A folder of CREMA-D; synthetic voices unless given.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Initial weights: `yamnet.h5` or a Keras MobileNet.")] = None,
    out: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("out/demo"),
    port: Annotated[int, typer.Option(help="Of the gRPC server; 0 for any free one.", min=0, max=65_535)] = 0,
    speakers: Annotated[int, typer.Option(help="Synthetic voices, of which a fifth are for testing.", min=4)] = 24,
    clips_per_emotion: Annotated[int, typer.Option(help="Of each synthetic voice.", min=1)] = 12,
    epochs: Annotated[int, typer.Option(help="Where training does not start from weights.", min=1)] = 20,
) -> None:
    """Walk the whole way: prepare, train, evaluate, export, serve, ask over gRPC.

    Every step is a `ser` command, printed before it runs. With `--data` and `--weights yamnet.h5` the model is the
    one that the README reports, and training takes about half an hour on two cores.

    Example: `ser demo --data ~/corpora/CREMA-D --weights yamnet.h5`
    """
    import ser_demo

    ser_demo.run(ser_demo.Demo(out, data, weights, port, speakers, clips_per_emotion, epochs))


def main() -> None:
    """Run the command line; a `UserError` becomes one sentence and exit status 1."""
    quiet_tensorflow.hush()
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
