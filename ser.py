"""The `ser` command: speech emotion recognition from audio files to answers over gRPC."""

import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

import data_pipeline.cli
import keras_backend
import quiet_tensorflow
import serving.cli
import standard_output
import training.cli
from data_pipeline.command_line import CommandLine
from data_pipeline.errors import UserError

app = CommandLine(
    name="ser",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=(
        "Recognise emotion in recorded speech.\n\n"
        "The usual order: `ser data prepare` converts a corpus to records, `ser train` trains a model on them, "
        "`ser evaluate` measures it, `ser export` writes it for TensorFlow Serving, `ser serve` serves it over gRPC, "
        "and `ser predict` sends audio to it.\n\n"
        "`make demo` runs all of these commands."
    ),
)

# Each package adds its own commands. Their modules import nothing heavy until a command runs, so `ser --help` is fast.
data_pipeline.cli.mount(app)
training.cli.mount(app)
serving.cli.mount(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        # What is installed, without importing TensorFlow, which takes seconds.
        names = {"ser": "speech-emotion-recognition", "TensorFlow": "tensorflow", "Keras": "keras"}
        typer.echo(", ".join(f"{name} {metadata.version(package)}" for name, package in names.items()))
        raise typer.Exit


@app.callback()
def ser(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the versions of this project, of TensorFlow and of Keras, and exit.",
        ),
    ] = False,
) -> None:
    """Options of `ser` itself; the help of `app` describes the commands."""


@app.command()
def demo(
    data: Annotated[Path | None, typer.Option(help="A folder of CREMA-D. [default: synthetic voices]")] = None,
    weights: Annotated[Path | None, typer.Option(help="Initial weights: `yamnet.h5` or a Keras MobileNet.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for all files.")] = Path("out/demo"),
    port: Annotated[int, typer.Option(help="Port of the gRPC server; 0 picks a free one.", min=0, max=65_535)] = 0,
    speakers: Annotated[
        int, typer.Option(help="Number of synthetic voices, a fifth of which are for testing.", min=4)
    ] = 24,
    clips_per_emotion: Annotated[
        int, typer.Option(help="Number of clips per emotion of each synthetic voice.", min=1)
    ] = 12,
    epochs: Annotated[int, typer.Option(help="Number of epochs of a training without --weights.", min=1)] = 20,
) -> None:
    """Run everything once: prepare, train, evaluate, export, serve, and predict over gRPC.

    Every step is a `ser` command, which is printed before it runs. With `--data` and `--weights yamnet.h5` the model is
    the first one of `docs/results.md`, which has the time that its training takes.

    Example: `ser demo --data ~/corpora/CREMA-D --weights yamnet.h5`
    """
    import ser_demo

    ser_demo.run(ser_demo.Demo(out, data, weights, port, speakers, clips_per_emotion, epochs))


def main() -> None:
    """Run the command line. A `UserError` becomes a one-line message and exit status 1."""
    quiet_tensorflow.hush()
    keras_backend.settle()
    try:
        with standard_output.printable():
            app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
