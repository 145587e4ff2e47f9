"""The command `ser export`."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Run folder that `ser train` has written.")],
    models: Annotated[Path, typer.Argument(help="Model repository to write to; made where it is missing.")],
    name: Annotated[str, typer.Option(help="What requests will call the model.")] = "ser",
    dtype: Annotated[
        str,
        typer.Option(
            help="Of weights and products: `float32`, or `bfloat16`: about half the size, and faster on processors "
            "that compute in it."
        ),
    ] = "float32",
) -> None:
    """Write a trained model for TensorFlow Serving.

    It becomes the next version in the repository, MODELS/NAME/VERSION: a SavedModel that takes audio, with
    its labels and the requests that warm it up. The version appears whole or not at all, so that a server
    may be watching.

    Example: `ser export runs/mobilenet models`, then `ser serve models`.
    """
    from rich.console import Console

    from serving.export import origin
    from serving.export.export import export as write_version
    from training.run.folder import Run

    trained = Run.open(run)
    provenance = origin.of_run(trained, dtype)
    version = write_version(trained.recogniser(), models, name, provenance=provenance, dtype=dtype)
    size = sum(file.stat().st_size for file in version.rglob("*") if file.is_file())
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Wrote [bold]{version}[/bold] ({size / 1e6:.1f} MB).", markup=True)
    if trained.synthetic:
        console.print("It learnt from synthetic speech: good for trying things out, not for people's voices.")
    console.print(f"Next: ser serve {models}")
