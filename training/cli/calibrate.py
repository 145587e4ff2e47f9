"""The command `ser calibrate`."""

from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    run: Annotated[Path, typer.Argument(help="A run folder (`ser train`).")],
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[
        str, typer.Option(help="The split to fit on. Its speakers must not be in the run's training split.")
    ] = "validation",
    channel: Annotated[
        str, typer.Option(help="Channel that the clips go through first, see `ser evaluate`.")
    ] = "clean",
) -> None:
    """Calibrate a run's confidence: fit a temperature by which its logits are divided.

    The temperature is written to `calibration.json` of the run, and `ser evaluate` and `ser export` apply it from then
    on. The predicted emotions never change. The calibration error to expect for other speakers is estimated by leaving
    each speaker out of the fit in turn.

    Example: `ser calibrate out/run out/data`, then `ser evaluate out/run out/data`
    """
    from data_pipeline.dataset import Dataset
    from data_pipeline.targets import Target
    from training.evaluation.calibration import calibrate as fit
    from training.evaluation.condition import Condition
    from training.fitting.progress import clip_bar
    from training.run.folder import Run

    condition = Condition(split, channel)
    opened, dataset = Run.open(run), Dataset.open(data)
    with clip_bar("answering", Target(opened.labels).clips(dataset.split(split))) as advance:
        found = fit(opened, dataset, condition, advance)
    typer.echo(
        f"temperature {found['temperature']:.3f}, fitted on {found['clips']:,} clips of "
        f"{len(found['speakers'])} speakers\n"
        f"ECE before {found['ece_before']:.1%}, after {found['ece_fitted']:.1%}, on speakers that did not fit it "
        f"{found['ece_cross_fitted']:.1%}\n"
        f"written: {opened.folder / 'calibration.json'}\n"
        f"next: ser evaluate {run} {data}"
    )
