"""`ser data plot`."""

from pathlib import Path
from typing import Annotated

import typer

from data_pipeline.cli.terminal import clip_progress
from data_pipeline.errors import UserError

_SPLITS = ("all", "train", "validation", "test")


def plot(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A prepared dataset (`ser data prepare`).")],
    out: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Folder for the figures; made if it is missing.")],
    augment: Annotated[
        bool, typer.Option("--augment", help="Also show a clip before and after every augmentation of training.")
    ] = False,
    split: Annotated[str, typer.Option(help="Split to plot: `train`, `validation`, `test`, or `all`.")] = "all",
    seed: Annotated[
        int, typer.Option(help="Seed for the choice of example clips and for augmentation.", min=0, max=2**31 - 1)
    ] = 0,
) -> None:
    """Plot what is in a prepared dataset: PNG files, and a page with all of them.

    The page shows the clips of each emotion, their durations, speakers and sexes, the listeners' votes against the
    acted emotions, and the waveform and log-mel spectrogram of one clip per emotion.

    Example: `ser data plot out/data out/plots --augment`
    """
    if split not in _SPLITS:
        raise UserError(f"{split!r} is no split; choose one of {', '.join(_SPLITS)}")
    from data_pipeline.dataset import Dataset

    dataset = Dataset.open(data)
    from data_pipeline.plots.dataset_page import plot_dataset

    with clip_progress("sections") as progress:
        task = progress.add_task("plotting", total=None)
        plots = plot_dataset(
            dataset,
            out,
            split,
            seed,
            augment,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    typer.echo(f"{len(plots.figures)} figures in {out}\npage: {plots.page}")
