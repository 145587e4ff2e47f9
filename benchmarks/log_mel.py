"""The speed of log-mel spectrograms in the training pipeline against librosa, on one processor core."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.cpu_time import keep_to_one_core, median_cpu_seconds

if TYPE_CHECKING:
    import numpy as np

    from data_pipeline.dataset import Dataset

_BATCH_SIZE = 64


def main(
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    split: Annotated[str, typer.Option(help="Split to read.")] = "train",
    clips: Annotated[int, typer.Option(help="Number of clips, rounded up to batches.", min=1)] = 1_000,
    rounds: Annotated[int, typer.Option(help="Number of measurements of each, in turn; the median counts.", min=1)] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Compare `input_pipeline.log_mels` with `librosa.feature.melspectrogram` and a logarithm.

    Both compute the same spectrograms (64 HTK mel bands from 125 to 7,500 Hz, 25 ms windows every 10 ms) of the same
    clips. The pipeline reads the records from disk and makes padded batches with labels; librosa gets the waveforms in
    memory. The process keeps to one core, and its CPU time counts, which other work on the machine hardly changes.

    The claim, in `docs/results.md`: log-mels are computed faster than by librosa.

    Example: `python -m benchmarks.log_mel out/data --json log_mel.json`
    """
    keep_to_one_core()
    import tensorflow as tf

    from benchmarks.report import show
    from data_pipeline.audio.decode import SAMPLE_RATE
    from data_pipeline.dataset import Dataset

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    dataset = Dataset.open(data)
    waveforms = _waveforms(dataset, split, clips)
    seconds = sum(map(len, waveforms)) / SAMPLE_RATE
    functions: dict[str, Callable[[], None]] = {
        "librosa.feature.melspectrogram, log": lambda: _with_librosa(waveforms),
        "input_pipeline.log_mels": _with_pipeline(dataset, split, len(waveforms)),
    }
    taken = median_cpu_seconds(functions, rounds)
    theirs, ours = taken.values()
    show(
        f"log-mels of {len(waveforms):,} clips ({seconds / 60:.1f} min), one core",
        ("", "CPU s", "clips/s", "x real time"),
        [(name, (spent, len(waveforms) / spent, seconds / spent)) for name, spent in taken.items()],
        f"ratio: {theirs / ours:.2f} x",
        {
            "clips": len(waveforms),
            "audio_seconds": seconds,
            "librosa_cpu_seconds": theirs,
            "log_mels_cpu_seconds": ours,
            "ratio": theirs / ours,
        },
        json_file,
    )


def _waveforms(dataset: "Dataset", split: str, clips: int) -> "list[np.ndarray]":
    from data_pipeline import input_pipeline

    batches = input_pipeline.waveforms(dataset, split, batch_size=_BATCH_SIZE)
    waveforms: list[np.ndarray] = []
    for features, _ in batches.take(-(-clips // _BATCH_SIZE)):
        rows = zip(features["waveform"].numpy(), features["num_samples"].numpy(), strict=True)
        waveforms.extend(row[:length] for row, length in rows)
    return waveforms


def _with_librosa(waveforms: "list[np.ndarray]") -> None:
    import librosa
    import numpy as np

    from data_pipeline.audio.log_mel import LogMelSettings

    settings = LogMelSettings()
    for waveform in waveforms:
        mel = librosa.feature.melspectrogram(
            y=waveform,
            sr=settings.sample_rate,
            n_fft=settings.fft_length,
            win_length=settings.window,
            hop_length=settings.hop,
            center=False,
            power=1.0,
            n_mels=settings.num_bands,
            fmin=settings.low,
            fmax=settings.high,
            htk=True,
            norm=None,
        )
        np.log(mel + settings.offset)


def _with_pipeline(dataset: "Dataset", split: str, clips: int) -> Callable[[], None]:
    """A function that goes through all batches; the graph is made once, as in a job."""
    from data_pipeline import input_pipeline
    from data_pipeline.audio.log_mel import LogMelSettings

    batches = input_pipeline.log_mels(dataset, split, batch_size=_BATCH_SIZE, settings=LogMelSettings())
    batches = batches.take(-(-clips // _BATCH_SIZE))

    def go_through() -> None:
        for _ in batches:
            pass

    return go_through


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
