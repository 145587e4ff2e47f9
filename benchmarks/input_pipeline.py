"""What the training pipeline can feed, with none, the default and all augmentations, against what MobileNet eats."""

import dataclasses
import itertools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quiet_tensorflow import hush

if TYPE_CHECKING:
    from data_pipeline.augment import AugmentSettings
    from data_pipeline.dataset import Dataset

_CROP_SECONDS = 3.0


def main(
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[str, typer.Option(help="Which split of it.")] = "train",
    batch_size: Annotated[int, typer.Option(help="Clips a step.", min=1)] = 32,
    alpha: Annotated[float, typer.Option(help="Width of the MobileNet.", min=0.05, max=2.0)] = 1.0,
    steps: Annotated[int, typer.Option(help="Training steps that are timed.", min=1)] = 12,
    noise_folder: Annotated[
        Path | None, typer.Option(help="Take noise from the recordings in this folder; coloured noise otherwise.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Compare the clips a second that `input_pipeline.log_mels` makes with those that a training step takes.

    Crops are 3 s. The pipeline runs by itself, on all cores, through the whole split; the MobileNet is trained on one
    batch again and again, also on all cores, so that neither waits for the other. `all` has every augmentation on, at
    the shares of `AugmentSettings.strong()`; `every clip` gives each clip all of them.

    Example: `python -m benchmarks.input_pipeline out/data --json input_pipeline.json`
    """
    hush()
    from benchmarks.report import show
    from data_pipeline.augment import AugmentSettings
    from data_pipeline.dataset import Dataset

    dataset = Dataset.open(data)
    strong = AugmentSettings.strong(str(noise_folder) if noise_folder else None)
    pipelines = {
        "no augmentation": None,
        "default": AugmentSettings(),
        "all": strong,
        "all, every clip": dataclasses.replace(strong, speed=1.0, reverberation=1.0, noise=1.0, telephone=1.0),
    }
    fed = {name: _clips_fed(dataset, split, batch_size, augment) for name, augment in pipelines.items()}
    eaten = _clips_eaten(dataset, split, batch_size, alpha, steps)
    show(
        f"3 s crops in batches of {batch_size}, all cores",
        ("", "clips/s", "x MobileNet"),
        [(f"pipeline, {name}", (speed, speed / eaten)) for name, speed in fed.items()]
        + [(f"MobileNet, alpha {alpha:g}, training", (eaten, 1.0))],
        f"ratio with all augmentations: {fed['all'] / eaten:.1f} x",
        {
            "batch_size": batch_size,
            "alpha": alpha,
            "pipeline_clips_per_second": fed,
            "mobilenet_clips_per_second": eaten,
            "ratio": {name: speed / eaten for name, speed in fed.items()},
        },
        json_file,
    )


def _clips_fed(dataset: "Dataset", split: str, batch_size: int, augment: "AugmentSettings | None") -> float:
    """Clips a second of a whole epoch. Another epoch goes first, for what is only done once."""
    clips = sum(len(labels) for _, labels in _batches(dataset, split, batch_size, augment, epoch=0))
    batches = _batches(dataset, split, batch_size, augment, epoch=1)
    # Making the graph is the start of a job, not its pace.
    iterator = iter(batches)
    first = len(next(iterator)[1])
    started = time.perf_counter()
    for _ in iterator:
        pass
    return (clips - first) / (time.perf_counter() - started)


def _batches(dataset: "Dataset", split: str, batch_size: int, augment: "AugmentSettings | None", epoch: int):
    from data_pipeline import input_pipeline
    from data_pipeline.audio.log_mel import LogMelSettings

    return input_pipeline.log_mels(
        dataset,
        split,
        batch_size=batch_size,
        settings=LogMelSettings(),
        training=True,
        epoch=epoch,
        augment=augment,
        crop_seconds=_CROP_SECONDS,
    )


def _clips_eaten(dataset: "Dataset", split: str, batch_size: int, alpha: float, steps: int) -> float:
    """Clips a second of training steps on a batch that is there already."""
    import keras

    from data_pipeline.audio.log_mel import LogMelSettings
    from data_pipeline.emotion import LABELS
    from training.families.mobilenet import network as mobilenet
    from training.families.mobilenet.recipe import MobileNetSettings

    features, labels = next(iter(_batches(dataset, split, batch_size, None, epoch=0)))
    model = mobilenet.build(MobileNetSettings(alpha=alpha), len(LABELS), LogMelSettings())
    model.compile(keras.optimizers.AdamW(5e-4), "categorical_crossentropy")
    for _ in range(2):
        model.train_on_batch(features, labels)
    started = time.perf_counter()
    for _ in itertools.repeat(None, steps):
        model.train_on_batch(features, labels)
    return steps * len(labels) / (time.perf_counter() - started)


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
