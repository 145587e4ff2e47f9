"""The throughput of the training pipeline with no, default and all augmentations, against a training MobileNet."""

import dataclasses
import itertools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from data_pipeline.augment import AugmentSettings
    from data_pipeline.dataset import Dataset

_CROP_SECONDS = 3.0


def main(
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[str, typer.Option(help="Split to read.")] = "train",
    batch_size: Annotated[int, typer.Option(help="Number of clips per step.", min=1)] = 32,
    alpha: Annotated[float, typer.Option(help="Width of the MobileNet.", min=0.05, max=2.0)] = 1.0,
    steps: Annotated[int, typer.Option(help="Number of training steps that are timed.", min=1)] = 12,
    noise_folder: Annotated[
        Path | None, typer.Option(help="Take noise from the recordings in this folder; coloured noise otherwise.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Compare the clips per second of `input_pipeline.log_mels` with those of training steps.

    Crops are 3 s. The pipeline runs by itself through the whole split, on all cores. The MobileNet is trained on the
    same batch repeatedly, also on all cores, so that neither waits for the other. `all` has every augmentation on, with
    the shares of `AugmentSettings.strong()`; `every clip` applies all of them to each clip.

    The claim, in `docs/results.md`: the input pipeline keeps ahead of the training of a MobileNet.

    Example: `python -m benchmarks.input_pipeline out/data --json input_pipeline.json`
    """
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
    made = {name: _pipeline_speed(dataset, split, batch_size, augment) for name, augment in pipelines.items()}
    trained = _training_speed(dataset, split, batch_size, alpha, steps)
    show(
        f"3 s crops in batches of {batch_size}, all cores",
        ("", "clips/s", "x MobileNet"),
        [(f"pipeline, {name}", (speed, speed / trained)) for name, speed in made.items()]
        + [(f"MobileNet, alpha {alpha:g}, training", (trained, 1.0))],
        f"ratio with all augmentations: {made['all'] / trained:.1f} x",
        {
            "batch_size": batch_size,
            "alpha": alpha,
            "pipeline_clips_per_second": made,
            "mobilenet_clips_per_second": trained,
            "ratio": {name: speed / trained for name, speed in made.items()},
        },
        json_file,
    )


def _pipeline_speed(dataset: "Dataset", split: str, batch_size: int, augment: "AugmentSettings | None") -> float:
    """Clips per second over a whole epoch, after an epoch that does what is done only once."""
    clips = sum(len(labels) for _, labels in _batches(dataset, split, batch_size, augment, epoch=0))
    batches = _batches(dataset, split, batch_size, augment, epoch=1)
    # The time for making the graph does not count.
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


def _training_speed(dataset: "Dataset", split: str, batch_size: int, alpha: float, steps: int) -> float:
    """Clips per second of training steps on one batch."""
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
