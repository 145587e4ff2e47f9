"""Features of every clip of a prepared dataset: extracted by a pool of processes, kept in a cache."""

import contextlib
import itertools
import os
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline import worker_process
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.statistics.feature_set import FeatureSet
from data_pipeline.storage.atomic_file import replacing

_CLIPS_A_TASK = 32

_SINGLE_THREADED = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Products of small matrices gain nothing from threads, which would fight over cores with the other processes."""


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Features of the clips of a dataset, in the order of its records: training split first, then validation and test.

    Attributes:
        values: float32 [clips, features]; of a framewise set [frames of all clips, features], clip after clip.
        lengths: int64 [clips], how many rows each clip has in `values`: one, unless the set is framewise.
        names: Of the features.
        families: Of the features; see `FeatureSet`.
        clips: strings [clips], their names in the corpus.
        speakers: strings [clips], each `corpus/speaker`.
        emotions: strings [clips], the acted emotion.
        splits: strings [clips], the split that each is in.
        seconds_per_clip: CPU time that extraction took on one core, the mean over clips; measured when the table was
            made, and kept with it.
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
        """Each clip's rows of `values`: float32 [frames, features]."""
        return np.split(self.values, np.cumsum(self.lengths)[:-1])


def feature_table(
    dataset: Dataset,
    feature_set: FeatureSet,
    cache: Path,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> FeatureTable:
    """The features of all clips of a dataset, whatever their emotion, from the cache where it has them.

    Values do not depend on `workers`.

    Args:
        dataset: A prepared dataset.
        feature_set: What to extract.
        cache: A folder, made if need be. A table is found again by the dataset's fingerprint and the set's name and
            version.
        workers: Processes; by default one a core.
        on_progress: Called with the number of clips done and that of all.

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
        table = _extracted(dataset, feature_set, workers or _cores(), lambda done: report(done, total))
        _write(path, dataset, feature_set, table)
    report(total, total)
    return table


@dataclass(frozen=True, slots=True)
class _Clip:
    name: str
    speaker: str
    emotion: str
    split: str
    pcm: np.ndarray


def _extracted(
    dataset: Dataset, feature_set: FeatureSet, workers: int, on_progress: Callable[[int], None]
) -> FeatureTable:
    known: list[tuple[str, str, str, str]] = []
    rows: list[np.ndarray] = []
    seconds = 0.0
    for clips, values, spent in _in_processes(dataset, feature_set, workers):
        known.extend((clip.name, clip.speaker, clip.emotion, clip.split) for clip in clips)
        rows.extend(values)
        seconds += spent
        on_progress(len(rows))
    if not rows:
        raise UserError(f"{dataset.folder} has no clips: prepare it again from a folder that has some")
    names, speakers, emotions, splits = (np.array(column) for column in zip(*known, strict=True))
    return FeatureTable(
        values=np.concatenate(rows),
        lengths=np.array([len(row) for row in rows]),
        names=feature_set.names,
        families=feature_set.families,
        clips=names,
        speakers=speakers,
        emotions=emotions,
        splits=splits,
        seconds_per_clip=seconds / len(rows),
    )


_Done = tuple[list[_Clip], list[np.ndarray], float]


def _in_processes(dataset: Dataset, feature_set: FeatureSet, workers: int) -> Iterator[_Done]:
    """Tasks in order, each with its clips, a matrix a clip and the CPU time; few are held in memory at a time."""
    context = worker_process.context(__name__, feature_set.extract.__module__)
    waiting: deque[tuple[list[_Clip], Future[tuple[list[np.ndarray], float]]]] = deque()

    def finished() -> _Done:
        clips, future = waiting.popleft()
        return clips, *future.result()

    executor = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(feature_set.extract,))
    try:
        for clips in _batched(_clips(dataset)):
            with worker_process.without_main(), _environment(_SINGLE_THREADED):
                waiting.append((clips, executor.submit(_extract, [clip.pcm for clip in clips])))
            if len(waiting) > 2 * workers:
                yield finished()
        while waiting:
            yield finished()
    except BrokenProcessPool as error:
        raise UserError(
            f"a process that extracted {feature_set.name} features died: make sure that there is enough memory, "
            "or use fewer workers"
        ) from error
    finally:
        executor.shutdown(cancel_futures=True)


def _batched(clips: Iterator[_Clip]) -> Iterator[list[_Clip]]:
    while batch := list(itertools.islice(clips, _CLIPS_A_TASK)):
        yield batch


def _clips(dataset: Dataset) -> Iterator[_Clip]:
    # Worker processes import this module, and TensorFlow would cost each of them seconds.
    import tensorflow as tf

    from data_pipeline.records.parsing import parse

    for split_name, split in dataset.splits.items():
        records = tf.data.TFRecordDataset([str(dataset.folder / shard) for shard in split.shards])
        for clip in records.map(parse).prefetch(_CLIPS_A_TASK).as_numpy_iterator():
            yield _Clip(
                name=clip["name"].decode(),
                speaker=f"{clip['corpus'].decode()}/{clip['speaker'].decode()}",
                emotion=clip["emotion"].decode(),
                split=split_name,
                # Exact: the waveform is int16 divided by this power of two.
                pcm=(clip["waveform"] * 32_768).astype(np.int16),
            )


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables for processes that are started within."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_worker: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
"""What `_start_worker` was given, for the tasks that follow."""


def _start_worker(extract: Callable[[np.ndarray], np.ndarray]) -> None:
    worker_process.start()
    _worker["extract"] = extract


def _extract(clips: list[np.ndarray]) -> tuple[list[np.ndarray], float]:
    extract = _worker["extract"]
    if "warm" not in _worker:
        # What is compiled or computed once is no cost of a clip.
        extract(np.random.default_rng(0).integers(-1_000, 1_000, 16_000).astype(np.int16))
        _worker["warm"] = extract
    started = time.process_time()
    rows = [np.atleast_2d(extract(pcm)) for pcm in clips]
    return rows, time.process_time() - started


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(path: Path, dataset: Dataset, feature_set: FeatureSet) -> FeatureTable | None:
    """The table in the cache; None where there is none that can be read and is of this dataset and set."""
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
