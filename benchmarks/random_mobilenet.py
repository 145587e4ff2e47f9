"""A MobileNet of full width with random weights, in a model repository: as fast as a trained one, which is all that
load asks of it.
"""

from pathlib import Path
from typing import Annotated

import typer

from quiet_tensorflow import hush


def main(
    models: Annotated[Path, typer.Argument(help="Model repository to write to; made where it is missing.")],
    name: Annotated[str, typer.Option(help="What requests will call the model.")] = "mobilenet",
    alpha: Annotated[float, typer.Option(help="Width of the MobileNet.", min=0.05, max=2.0)] = 1.0,
) -> None:
    """Export a MobileNet that has learnt nothing.

    Example: `python -m benchmarks.random_mobilenet out/load/models`
    """
    hush()
    import keras

    from data_pipeline.audio.log_mel import LogMelSettings
    from data_pipeline.emotion import LABELS
    from serving.export.saved_model import export_model
    from training.families.mobilenet.network import MobileNetSettings, build
    from training.run.recogniser import Recogniser

    keras.utils.set_random_seed(0)
    front_end = LogMelSettings()
    model = build(MobileNetSettings(alpha=alpha), len(LABELS), front_end)
    version = export_model(Recogniser(model, tuple(map(str, LABELS)), front_end), models, name)
    typer.echo(f"written: {version}")


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
