"""The command `ser export`."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Run folder that `ser train` has written.")],
    models: Annotated[
        Path, typer.Argument(help="Folder of the model repository to write to; created if it is missing.")
    ],
    name: Annotated[str, typer.Option(help="Name of the model in requests.")] = "ser",
    dtype: Annotated[
        str,
        typer.Option(
            help="Data type of weights and products: `float32`, or `bfloat16`, which takes about half the space and is "
            "faster on processors that compute in it."
        ),
    ] = "float32",
) -> None:
    """Export a trained model for TensorFlow Serving.

    The export becomes the next version in the repository, MODELS/NAME/VERSION: a SavedModel whose input is audio, with
    its labels and its warm-up requests. The version appears complete or not at all, so a running server can use the
    repository at the same time.

    Example: `ser export runs/mobilenet models`, then `ser serve models`.
    """
    from rich.console import Console

    from serving.export.provenance import run_provenance
    from serving.export.saved_model import export_model
    from training.run.folder import Run

    trained = Run.open(run)
    provenance = run_provenance(trained, dtype)
    version = export_model(trained.recogniser(), models, name, provenance=provenance, dtype=dtype)
    size = sum(file.stat().st_size for file in version.rglob("*") if file.is_file())
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Wrote [bold]{version}[/bold] ({size / 1e6:.1f} MB).", markup=True)
    if trained.synthetic:
        console.print("It learnt from synthetic speech: good for trying things out, not for people's voices.")
    console.print(f"Next: ser serve {models}")
