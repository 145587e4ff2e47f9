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

    from data_pipeline.emotion import LABELS
    from serving.export.export import export
    from training.families.mobilenet.family import FAMILY
    from training.families.mobilenet.recipe import MobileNetRecipe, MobileNetSettings
    from training.run.recogniser import Recogniser

    keras.utils.set_random_seed(0)
    recipe = MobileNetRecipe(model=MobileNetSettings(alpha=alpha))
    recogniser = Recogniser(FAMILY.build(recipe), tuple(map(str, LABELS)), FAMILY.front_end(recipe), FAMILY)
    version = export(recogniser, models, name)
    typer.echo(f"written: {version}")


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
