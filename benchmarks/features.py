"""The speed of features for classical classifiers: the original study's way against this project's, on one core."""

import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.cpu_time import keep_to_one_core, median_cpu_seconds

if TYPE_CHECKING:
    import numpy as np

    from data_pipeline.dataset import Dataset

_STUDY_RATIO = 1.4

_FUNCTIONALS_RATIO = 8.0

_POINTS = 13.0

_FOLDS = 5


def main(
    data: Annotated[Path, typer.Argument(help="A prepared dataset (`ser data prepare`).")],
    clips: Annotated[int, typer.Option(help="Number of clips, spread over the shards.", min=1)] = 60,
    rounds: Annotated[int, typer.Option(help="Number of measurements of each, in turn; the median counts.", min=1)] = 3,
    accuracy: Annotated[
        bool, typer.Option("--accuracy", help="Also compare accuracies on all clips: an SVM, folds by speaker.")
    ] = False,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for features with --accuracy; by default a temporary folder.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Compare the time per clip that features take on one core with the naive way of the original study.

    The naive way loads the WAV file of a clip at librosa's 22.05 kHz for each of the eleven features, calls librosa for
    that feature, and scipy.stats for its moments. This project's features get the samples in memory, as from a prepared
    dataset. The process keeps to one core, and its CPU time counts, which other work on the machine hardly changes.

    `study` gives the same 44 numbers and should be 1.4 times faster; `functionals`, which classify better, 8 times
    faster. Where a ratio or the accuracy falls short, the line below the table says so.

    The claim, in `docs/results.md`: features take less time than librosa called feature by feature.

    Example: `python -m benchmarks.features out/data --json features.json`
    """
    # Before numpy is imported, which reads it; the worker processes of `--accuracy` have it set, too.
    os.environ.update({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"})
    from benchmarks.report import show
    from data_pipeline.audio.decode import SAMPLE_RATE
    from data_pipeline.dataset import Dataset
    from data_pipeline.statistics import FEATURE_SETS

    dataset = Dataset.open(data)
    pcm = _some_clips(dataset, clips)
    seconds = sum(map(len, pcm)) / SAMPLE_RATE
    cores = keep_to_one_core()
    with tempfile.TemporaryDirectory() as folder:
        files = _written(pcm, Path(folder))
        taken = median_cpu_seconds(
            {
                "librosa, feature by feature": lambda: _naive(files),
                "study": lambda: _extract_all(FEATURE_SETS["study"].extract, pcm),
                "functionals": lambda: _extract_all(FEATURE_SETS["functionals"].extract, pcm),
            },
            rounds,
        )
    if cores:
        os.sched_setaffinity(0, cores)
    naive, study, functionals = taken.values()
    figures = {
        "clips": len(pcm),
        "audio_seconds": seconds,
        "milliseconds_per_clip": {name: 1_000 * spent / len(pcm) for name, spent in taken.items()},
        "study_ratio": naive / study,
        "functionals_ratio": naive / functionals,
    }
    verdicts = [
        _verdict("study", naive / study, _STUDY_RATIO, "x faster"),
        _verdict("functionals", naive / functionals, _FUNCTIONALS_RATIO, "x faster"),
    ]
    if accuracy:
        percent = {name: 100 * _accuracy(dataset, name, cache) for name in ("study", "functionals")}
        gain = percent["functionals"] - percent["study"]
        figures |= {"accuracy_percent": percent, "accuracy_gain_points": gain}
        said = ", ".join(f"{name} {value:.1f} %" for name, value in percent.items())
        verdicts.append(f"accuracy of an SVM, {_FOLDS} folds by speaker: {said}")
        verdicts.append(_verdict("functionals", gain, _POINTS, "points more accurate"))
    show(
        f"features of {len(pcm):,} clips ({seconds / 60:.1f} min), one core",
        ("", "ms/clip", "x real time", "ratio"),
        [(name, (1_000 * spent / len(pcm), seconds / spent, naive / spent)) for name, spent in taken.items()],
        "\n".join(verdicts),
        figures,
        json_file,
    )


def _verdict(name: str, figure: float, threshold: float, unit: str) -> str:
    met = "met" if figure >= threshold else "NOT met"
    return f"{name}: {figure:.2f} {unit} (at least {threshold:g}: {met})"


def _some_clips(dataset: "Dataset", count: int) -> "list[np.ndarray]":
    """The first clips of each shard, the same number of each; int16 [samples]."""
    import numpy as np
    import tensorflow as tf

    from data_pipeline.records.parsing import parse

    shards = [str(dataset.folder / shard) for split in dataset.splits.values() for shard in split.shards]
    records = tf.data.Dataset.from_tensor_slices(shards).interleave(tf.data.TFRecordDataset, cycle_length=len(shards))
    waveforms = records.map(parse).take(count).as_numpy_iterator()
    return [(clip["waveform"] * 32_768).astype(np.int16) for clip in waveforms]


def _written(pcm: "Sequence[np.ndarray]", folder: Path) -> list[Path]:
    import soundfile

    from data_pipeline.audio.decode import SAMPLE_RATE

    files = [folder / f"{number}.wav" for number in range(len(pcm))]
    for file, samples in zip(files, pcm, strict=True):
        soundfile.write(file, samples, SAMPLE_RATE)
    return files


def _extract_all(extract: "Callable[[np.ndarray], np.ndarray]", pcm: "Sequence[np.ndarray]") -> None:
    for samples in pcm:
        extract(samples)


def _naive(files: Sequence[Path]) -> None:
    """The way of the original study, which computes nothing once for several features."""
    import librosa
    import numpy as np
    import scipy.stats

    feature = librosa.feature
    features: tuple[Callable, ...] = (
        lambda y, sr: feature.zero_crossing_rate(y),  # noqa: ARG005
        lambda y, sr: feature.rms(y=y),  # noqa: ARG005
        lambda y, sr: feature.mfcc(y=y, sr=sr),
        lambda y, sr: feature.melspectrogram(y=y, sr=sr),
        lambda y, sr: feature.chroma_stft(y=y, sr=sr),
        lambda y, sr: feature.spectral_centroid(y=y, sr=sr),
        lambda y, sr: feature.spectral_bandwidth(y=y, sr=sr),
        lambda y, sr: feature.spectral_contrast(y=y, sr=sr),
        lambda y, sr: feature.spectral_flatness(y=y),  # noqa: ARG005
        lambda y, sr: feature.spectral_rolloff(y=y, sr=sr),
        lambda y, sr: feature.tonnetz(y=y, sr=sr),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            for compute in features:
                waveform, rate = librosa.load(file)
                values = compute(waveform, rate).flatten()
                for moment in (np.mean, np.std, scipy.stats.kurtosis, scipy.stats.skew):
                    moment(values)


def _accuracy(dataset: "Dataset", name: str, cache: Path | None) -> float:
    """Accuracy of an RBF SVM on speakers that it was not trained on."""
    from data_pipeline.errors import UserError

    try:
        from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC
    except ImportError as error:
        raise UserError("--accuracy needs scikit-learn: run pip install '.[benchmarks]'") from error

    from data_pipeline.statistics import FEATURE_SETS, feature_table

    with tempfile.TemporaryDirectory() as folder:
        table = feature_table(dataset, FEATURE_SETS[name], cache or Path(folder))
    speakers = len(set(table.speakers))
    if speakers < 2:
        raise UserError(f"{dataset.folder} has one speaker, who cannot be left out: prepare one with two or more")
    folds = StratifiedGroupKFold(min(_FOLDS, speakers), shuffle=True, random_state=0)
    classifier = make_pipeline(StandardScaler(), SVC(C=3.0, cache_size=1_000))
    answers = cross_val_predict(classifier, table.values, table.emotions, groups=table.speakers, cv=folds)
    return float((answers == table.emotions).mean())


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
