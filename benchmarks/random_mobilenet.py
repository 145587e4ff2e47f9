"""Export a MobileNet with random weights. It is as fast as a trained one, which is enough for load tests."""

from pathlib import Path
from typing import Annotated

import typer


def main(
    models: Annotated[
        Path, typer.Argument(help="Folder of the model repository to write to; created if it is missing.")
    ],
    name: Annotated[str, typer.Option(help="Name of the model in requests.")] = "mobilenet",
    alpha: Annotated[float, typer.Option(help="Width multiplier of the MobileNet.", min=0.05, max=2.0)] = 1.0,
) -> None:
    """Export a MobileNet with random weights.

    It is the model of the load tests of `docs/serving.md`: as fast as a trained one, whatever it answers.

    Example: `python -m benchmarks.random_mobilenet out/load/models`
    """
    import keras

    from data_pipeline.emotion import LABELS
    from serving.export.saved_model import export_model
    from training.families.mobilenet.family import FAMILY
    from training.families.mobilenet.recipe import MobileNetRecipe, MobileNetSettings
    from training.run.recogniser import Recogniser

    keras.utils.set_random_seed(0)
    recipe = MobileNetRecipe(model=MobileNetSettings(alpha=alpha))
    recogniser = Recogniser(FAMILY.build(recipe), tuple(map(str, LABELS)), FAMILY.front_end(recipe), FAMILY)
    version = export_model(recogniser, models, name)
    typer.echo(f"written: {version}")


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
