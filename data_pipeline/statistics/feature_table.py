"""The features of every clip of a prepared dataset, extracted by a pool of processes and kept in a cache."""

import functools
import itertools
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.statistics.feature_set import FeatureSet
from data_pipeline.storage.atomic_file import replacing
from data_pipeline.workers.pool import run_tasks
from data_pipeline.workers.process import worker_count

_CLIPS_A_TASK = 32


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Features of the clips of a dataset, in the order of its records: the training split, then validation and test.

    Attributes:
        values: float32 [clips, features]; for a framewise set [frames of all clips, features], clip after clip.
        lengths: int64 [clips], number of rows of each clip in `values`: one, unless the set is framewise.
        names: Names of the features.
        families: Families of the features; see `FeatureSet`.
        clips: strings [clips], names of the clips in their corpus.
        speakers: strings [clips], speakers as `corpus/speaker`.
        emotions: strings [clips], acted emotions.
        splits: strings [clips], the split that each clip is in.
        seconds_per_clip: Mean CPU time in seconds that extracting a clip took on one core when the table was made.
    """

    values: np.ndarray
    lengths: np.ndarray
    names: tuple[str, ...]
    families: tuple[str, ...]
    clips: np.ndarray
    speakers: np.ndarray
    emotions: np.ndarray
    splits: np.ndarray
    seconds_per_clip: float

    def sequences(self) -> list[np.ndarray]:
        """The rows of each clip: float32 [frames, features]."""
        return np.split(self.values, np.cumsum(self.lengths)[:-1])


def feature_table(
    dataset: Dataset,
    feature_set: FeatureSet,
    cache: Path,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> FeatureTable:
    """The features of all clips of a dataset, whatever their emotion; from the cache where it has them.

    Values do not depend on `workers`.

    Args:
        dataset: A prepared dataset.
        feature_set: The features to extract.
        cache: Folder for tables, made if it is missing. A table is found again by the fingerprint of the dataset and
            the name and version of the set.
        workers: Number of processes; by default one for each processor that this process may use.
        on_progress: Called with the number of clips that are done and of all clips.

    Raises:
        UserError: If the cache cannot be written, or processes die.
    """
    total = sum(split.clips for split in dataset.splits.values())
    report = on_progress or (lambda _done, _total: None)
    path = cache / f"{feature_set.name}-{feature_set.version}-{dataset.fingerprint[:16].replace(' ', '_')}.npz"
    table = _read(path, dataset, feature_set)
    if table is None:
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{cache} cannot be made ({error.strerror}): choose another folder for the cache"
            ) from error
        table = _extracted(dataset, feature_set, worker_count(workers), lambda done: report(done, total))
        _write(path, dataset, feature_set, table)
    report(total, total)
    return table


@dataclass(frozen=True, slots=True)
class _Extracted:
    """What was extracted from some clips.

    Attributes:
        known: Name, speaker, emotion and split of each clip.
        rows: Features of each clip, float32 [rows, features].
        seconds: CPU time that it took.
    """

    known: list[tuple[str, str, str, str]]
    rows: list[np.ndarray]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Extraction:
    """Clips whose features are extracted together; a task for `workers.pool.run_tasks`.

    Attributes:
        feature_set: Name of the features.
        extract: See `FeatureSet`.
        known: Name, speaker, emotion and split of each clip.
        waveforms: int16 [samples] of each clip.
    """

    feature_set: str
    extract: Callable[[np.ndarray], np.ndarray]
    known: list[tuple[str, str, str, str]]
    waveforms: list[np.ndarray]

    def __len__(self) -> int:
        return len(self.known)

    def run(self, on_item: Callable[[int], object]) -> _Extracted:
        """See `workers.pool.Task.run`."""
        _warm_up(self.extract)
        rows = []
        started = time.process_time()
        for index, pcm in enumerate(self.waveforms):
            on_item(index)
            rows.append(np.atleast_2d(self.extract(pcm)))
        return _Extracted(self.known, rows, time.process_time() - started)

    def without(self, index: int) -> "_Extraction":
        """A table has a row for every clip, so that none can be skipped."""
        raise UserError(
            f"a process that extracted {self.feature_set} features died at {self.known[index][0]}: make sure that "
            "there is enough memory, or use fewer workers"
        )


@functools.cache
def _warm_up(extract: Callable[[np.ndarray], np.ndarray]) -> None:
    """Compile and compute what is needed once, which is no cost of a clip."""
    extract(np.random.default_rng(0).integers(-1_000, 1_000, 16_000).astype(np.int16))


def _extracted(
    dataset: Dataset, feature_set: FeatureSet, workers: int, on_progress: Callable[[int], object]
) -> FeatureTable:
    modules = (__name__, feature_set.extract.__module__)
    tasks = _extractions(dataset, feature_set)
    purpose = f"extracted {feature_set.name} features"
    done = dict(run_tasks(tasks, workers, purpose, modules=modules, on_progress=on_progress))
    parts = [done[number] for number in range(len(done))]
    rows = [row for part in parts for row in part.rows]
    if not rows:
        raise UserError(f"{dataset.folder} has no clips: prepare it again from a folder that has some")
    known = zip(*(one for part in parts for one in part.known), strict=True)
    names, speakers, emotions, splits = (np.array(column) for column in known)
    return FeatureTable(
        values=np.concatenate(rows),
        lengths=np.array([len(row) for row in rows]),
        names=feature_set.names,
        families=feature_set.families,
        clips=names,
        speakers=speakers,
        emotions=emotions,
        splits=splits,
        seconds_per_clip=sum(part.seconds for part in parts) / len(rows),
    )


def _extractions(dataset: Dataset, feature_set: FeatureSet) -> Iterator[_Extraction]:
    # Worker processes import this module, and TensorFlow would cost each of them seconds.
    import tensorflow as tf

    from data_pipeline.records.damage import damage_named
    from data_pipeline.records.parsing import parse

    for split_name, split in dataset.splits.items():
        records = tf.data.TFRecordDataset([str(dataset.folder / shard) for shard in split.shards])
        clips = records.map(parse).prefetch(_CLIPS_A_TASK).as_numpy_iterator()
        while True:
            with damage_named(dataset):
                batch = list(itertools.islice(clips, _CLIPS_A_TASK))
            if not batch:
                break
            known = [
                (
                    clip["name"].decode(),
                    f"{clip['corpus'].decode()}/{clip['speaker'].decode()}",
                    clip["emotion"].decode(),
                    split_name,
                )
                for clip in batch
            ]
            # Exact: the waveform is int16 divided by this power of two.
            waveforms = [(clip["waveform"] * 32_768).astype(np.int16) for clip in batch]
            yield _Extraction(feature_set.name, feature_set.extract, known, waveforms)


def _read(path: Path, dataset: Dataset, feature_set: FeatureSet) -> FeatureTable | None:
    """The table in the cache; None where there is no readable one of this dataset and set."""
    try:
        with np.load(path, allow_pickle=False) as file:
            names = tuple(str(name) for name in file["names"])
            if str(file["fingerprint"]) != dataset.fingerprint or names != feature_set.names:
                return None
            return FeatureTable(
                values=file["values"],
                lengths=file["lengths"],
                names=feature_set.names,
                families=feature_set.families,
                clips=file["clips"],
                speakers=file["speakers"],
                emotions=file["emotions"],
                splits=file["sides"],
                seconds_per_clip=float(file["seconds_per_clip"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path, dataset: Dataset, feature_set: FeatureSet, table: FeatureTable) -> None:
    with replacing(path) as part:
        np.savez(
            part,
            fingerprint=np.array(dataset.fingerprint),
            names=np.array(feature_set.names),
            values=table.values,
            lengths=table.lengths,
            clips=table.clips,
            speakers=table.speakers,
            emotions=table.emotions,
            sides=table.splits,
            seconds_per_clip=np.array(table.seconds_per_clip),
        )
