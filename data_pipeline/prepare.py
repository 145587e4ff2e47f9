"""From corpora on disk to a prepared dataset: all that `ser data prepare` does but talk to the user."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.atomic_file import write_text
from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.dataset import FORMAT, Dataset
from data_pipeline.decode import SAMPLE_RATE
from data_pipeline.emotion import LABELS, Emotion
from data_pipeline.errors import UserError
from data_pipeline.outcome import Outcome, SetAside, read_outcome
from data_pipeline.plan import Plan, Shard, make_items, make_plan
from data_pipeline.quality import Contradiction, contradictions
from data_pipeline.splits import SIDES, SplitKind, parse_split

_WORK = ".unfinished"
"""Folder inside the dataset for an unfinished run's notes of the shards that it has finished."""

_SHARD_NAME = re.compile(rf"({'|'.join(SIDES)})-\d{{5}}-of-\d{{5}}\.tfrecord")

_PART_NAME = re.compile(r"\.\w+\.part\.(tfrecord|json)")
"""Of what `atomic_file.replacing` leaves when the process is killed."""

_AUDIO_SUFFIXES = {".aif", ".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav", ".wma"}

_Found = list[tuple[Corpus, Path, list[Clip]]]
"""Each corpus with its folder and its clips."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run of `prepare` did.

    Attributes:
        dataset: The result, opened.
        set_aside: Clips that gave no record, sorted by file.
        contradictions: Identical audio under different labels; kept in the dataset.
        ignored: Audio files beside the clips whose names are not of the corpus.
        with_votes: How many clips have listeners' votes.
        with_demographics: How many clips have the speaker's sex and age.
        unchanged: Whether the dataset was there already, so that nothing was done.
        seconds_read: Of audio in the shards that this run wrote.
        seconds_taken: By the clock, for reading and writing them.
    """

    dataset: Dataset
    set_aside: tuple[SetAside, ...]
    contradictions: tuple[Contradiction, ...]
    ignored: tuple[str, ...]
    with_votes: int
    with_demographics: int
    unchanged: bool
    seconds_read: float
    seconds_taken: float


def prepare(
    sources: Sequence[tuple[Corpus, Path]],
    out: Path,
    split: str = "speaker",
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Write a prepared dataset: record shards and `dataset.json`.

    What is written depends on the sources and the split only, not on the number of workers or on
    interruptions. A run that was killed is taken up again by the same call; with everything in place already,
    nothing is done.

    The workers are threads: libsndfile, soxr, hashing and file output release the interpreter's lock, and a
    second process would cost a second import of TensorFlow.

    Args:
        sources: Each corpus with its folder.
        out: The dataset's folder: new, empty, or left by an earlier run.
        split: `speaker`, `random` or `fold:K/N`.
        workers: How many shards to work on at a time. Defaults to the processors that this process may use.
        overwrite: Whether to replace a finished dataset in `out` that has other content.
        on_progress: Called with the number of clips done and of all, one call at a time but on any thread.

    Raises:
        UserError: If the input is unusable, `out` holds something else, another run is writing there, the
            disk refuses, or every clip is set aside, in which case nothing is left behind.
    """
    workers = len(os.sched_getaffinity(0)) if workers is None else workers
    if workers < 1:
        raise UserError(f"{workers} workers cannot do anything; ask for at least 1")
    kind = parse_split(split)
    try:
        found = [(corpus, folder, corpus.clips(folder)) for corpus, folder in sources]
        _refuse_duplicates([clip for _, _, clips in found for clip in clips])
        plan = _plan(found, kind)
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}): check the corpus") from error
    with _claimed(out):
        if _is_finished(out, plan, overwrite):
            shutil.rmtree(out / _WORK, ignore_errors=True)
            return _summary(out, unchanged=True, seconds_read=0.0, seconds_taken=0.0)
        outcomes, seconds_read, seconds_taken = _carry_out(plan, out, workers, on_progress)
        if not any(outcome.kept for outcome in outcomes):
            _remove(out)
            first = next(clip for outcome in outcomes for clip in outcome.set_aside)
            raise UserError(
                f"none of the {plan.clips} clips is usable, so nothing was written; for one, {first}: check "
                "that the corpus was copied whole"
            )
        _finish(out, _content(found, kind, plan, outcomes))
    return _summary(out, unchanged=False, seconds_read=seconds_read, seconds_taken=seconds_taken)


def _refuse_duplicates(clips: Sequence[Clip]) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for clip in clips:
        other = seen.setdefault((clip.corpus, clip.name), clip.path)
        if other is not clip.path:
            raise UserError(f"{other} and {clip.path} are both {clip.corpus}/{clip.name}: remove one of them")


def _plan(found: _Found, kind: SplitKind) -> Plan:
    items = [
        item for corpus, folder, clips in found for item in make_items(clips, kind.sides(clips, corpus.sides), folder)
    ]
    return make_plan(items, kind.title)


@contextlib.contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Make the folder and hold it against other runs; folders that are still empty afterwards go again."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: give a folder for the dataset")
    made = [folder for folder in [out, *out.parents] if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(out, os.O_RDONLY)
        try:
            _lock(descriptor, out)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UserError(
            f"cannot write {error.filename or out} ({error.strerror}): put that right or choose another "
            "folder, then run the same command again"
        ) from error
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _lock(descriptor: int, out: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(f"another run is writing to {out}: wait for it, or choose another folder") from error
    except OSError:
        # Some network file systems lock no folders; there the user takes care of that.
        return


def _is_finished(out: Path, plan: Plan, overwrite: bool) -> bool:
    """Whether the dataset is there as planned; afterwards, if not, the folder is free to write to."""
    description = out / "dataset.json"
    if not description.exists():
        if not (out / _WORK).is_dir() and any(out.iterdir()):
            raise UserError(f"{out} is not empty and holds no dataset: choose a new folder")
        return False
    digest = _planned(description)
    if digest is None:
        raise UserError(f"{description} describes no dataset: choose a new folder, or delete that file")
    if digest != plan.digest and not overwrite:
        raise UserError(
            f"{out} holds a dataset made of other files or with another split: choose a new folder, or "
            "replace it with --overwrite"
        )
    if digest == plan.digest and description.stat().st_mtime_ns > plan.changed and _is_whole(out):
        return True
    _remove(out)
    return False


def _planned(description: Path) -> str | None:
    """Digest of the plan that a finished dataset was made by; None if the file is no dataset's."""
    try:
        content = json.loads(description.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return content.get("plan") if isinstance(content, dict) else None


def _is_whole(out: Path) -> bool:
    try:
        Dataset.open(out)
    except UserError:
        return False
    return True


def _carry_out(
    plan: Plan, out: Path, workers: int, on_progress: Callable[[int, int], None] | None
) -> tuple[list[Outcome], float, float]:
    """Write the shards that are not there yet.

    Returns:
        The outcome of every shard in the plan's order, the seconds of audio that this run read, and how many
        seconds that took.
    """
    work = out / _WORK
    work.mkdir(exist_ok=True)
    done = {shard.name: outcome for shard in plan.shards if (outcome := read_outcome(shard, plan.digest, out, work))}
    _clear(out, keep=done)
    progress = _Progress(sum(len(shard.items) for shard in plan.shards if shard.name in done), plan.clips, on_progress)
    # Here, since TensorFlow takes seconds to import and everything that can be refused has been by now.
    from data_pipeline.shards import write_shard

    start = time.perf_counter()
    missing = [shard for shard in plan.shards if shard.name not in done]

    def write(shard: Shard) -> Outcome:
        return write_shard(shard, plan.digest, out, work, progress.step)

    with ThreadPoolExecutor(workers) as executor:
        try:
            written = dict(zip((shard.name for shard in missing), executor.map(write, missing), strict=True))
        except BaseException:
            progress.stop()
            executor.shutdown(cancel_futures=True)
            raise
    seconds_read = sum(clip.samples for outcome in written.values() for clip in outcome.kept) / SAMPLE_RATE
    outcomes = [(done | written)[shard.name] for shard in plan.shards]
    return outcomes, seconds_read, time.perf_counter() - start


class _Stopped(Exception):
    """Another shard has failed or the user has interrupted, so that this one need not go on."""


class _Progress:
    """Counts clips across threads."""

    def __init__(self, done: int, total: int, on_progress: Callable[[int, int], None] | None) -> None:
        self._done = done
        self._total = total
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._stopped = False
        self._report()

    def step(self) -> None:
        with self._lock:
            if self._stopped:
                raise _Stopped
            self._done += 1
            self._report()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True

    def _report(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self._done, self._total)


def _content(found: _Found, kind: SplitKind, plan: Plan, outcomes: Sequence[Outcome]) -> dict:
    """What `dataset.json` says."""
    clips = [clip for _, _, clips in found for clip in clips]
    kept = {clip.name for outcome in outcomes for clip in outcome.kept}
    labelled = ((clip.name, clip.emotion, clip.digest) for outcome in outcomes for clip in outcome.kept)
    usable = [clip for clip in clips if f"{clip.corpus}/{clip.name}" in kept]
    return {
        "format": FORMAT,
        "labels": list(LABELS),
        "corpora": [corpus.name for corpus, _, _ in found],
        "synthetic": any(corpus.synthetic for corpus, _, _ in found),
        "split": kind.title,
        "fingerprint": _fingerprint(plan, outcomes),
        "plan": plan.digest,
        "sample_rate": SAMPLE_RATE,
        "clips": len(usable),
        "seconds": _seconds(outcomes),
        "clips_with_votes": sum(clip.votes is not None for clip in usable),
        "clips_with_demographics": sum(bool(clip.sex) and clip.age is not None for clip in usable),
        "splits": _splits(plan, outcomes),
        "sources": [
            {
                "corpus": corpus.name,
                "title": corpus.title,
                "licence": corpus.licence,
                "url": corpus.url,
                "folder": str(folder.resolve()),
                "clips": len(clips),
                "ignored": _ignored(folder, clips),
            }
            for corpus, folder, clips in found
        ],
        "set_aside": [
            {"file": clip.file, "reason": clip.reason}
            for clip in sorted(
                (clip for outcome in outcomes for clip in outcome.set_aside),
                key=lambda clip: (clip.file, clip.reason),
            )
        ],
        "contradictions": [
            {"names": list(group.names), "emotions": list(group.emotions)} for group in contradictions(labelled)
        ],
    }


def _fingerprint(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    lines = (f"{shard.side} {outcome.digest}\n" for shard, outcome in zip(plan.shards, outcomes, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _splits(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, dict]:
    splits: dict[str, dict] = {}
    for side in SIDES:
        shards = [
            (shard, outcome)
            for shard, outcome in zip(plan.shards, outcomes, strict=True)
            if shard.side == side and outcome.kept
        ]
        if not shards:
            continue
        kept = [clip for _, outcome in shards for clip in outcome.kept]
        emotions = Counter(clip.emotion for clip in kept)
        splits[side] = {
            "clips": len(kept),
            "seconds": _seconds([outcome for _, outcome in shards]),
            "speakers": sorted({clip.speaker for clip in kept}),
            "emotions": {label: emotions[label] for label in LABELS},
            "shards": [shard.name for shard, _ in shards],
            "shard_bytes": {shard.name: outcome.size for shard, outcome in shards},
        }
    return splits


def _seconds(outcomes: Sequence[Outcome]) -> float:
    return round(sum(clip.samples for outcome in outcomes for clip in outcome.kept) / SAMPLE_RATE, 3)


def _ignored(folder: Path, clips: Sequence[Clip]) -> list[str]:
    """Audio files that lie where the clips lie, and are none of them."""
    taken = {clip.path for clip in clips}
    return sorted(
        path.relative_to(folder).as_posix()
        for home in {folder, *(path.parent for path in taken)}
        for path in home.iterdir()
        if path.suffix.lower() in _AUDIO_SUFFIXES and path not in taken
    )


def _finish(out: Path, content: dict) -> None:
    """Make the dataset one, which its description does in a single step."""
    listed = {shard for side in content["splits"].values() for shard in side["shards"]}
    _clear(out, keep=listed)
    write_text(out / "dataset.json", json.dumps(content, indent=1) + "\n")
    shutil.rmtree(out / _WORK)


def _clear(out: Path, keep: Container[str]) -> None:
    """Delete record files that are not to be kept, with their notes and whatever was half written."""
    for path in _record_files(out):
        if path.name not in keep:
            path.unlink()
    for path in (out / _WORK).iterdir():
        if path.suffix != ".json" or path.stem not in keep:
            path.unlink()


def _remove(out: Path) -> None:
    """Delete everything that `prepare` writes, and nothing else."""
    (out / "dataset.json").unlink(missing_ok=True)
    for path in _record_files(out):
        path.unlink()
    shutil.rmtree(out / _WORK, ignore_errors=True)


def _record_files(out: Path) -> list[Path]:
    """Record files, whole and half written."""
    return [path for path in out.iterdir() if _SHARD_NAME.fullmatch(path.name) or _PART_NAME.fullmatch(path.name)]


def _summary(out: Path, unchanged: bool, seconds_read: float, seconds_taken: float) -> Summary:
    content = json.loads((out / "dataset.json").read_text(encoding="utf-8"))
    return Summary(
        dataset=Dataset.open(out),
        set_aside=tuple(SetAside(**clip) for clip in content["set_aside"]),
        contradictions=tuple(
            Contradiction(tuple(group["names"]), tuple(map(Emotion, group["emotions"])))
            for group in content["contradictions"]
        ),
        ignored=tuple(file for source in content["sources"] for file in source["ignored"]),
        with_votes=content["clips_with_votes"],
        with_demographics=content["clips_with_demographics"],
        unchanged=unchanged,
        seconds_read=seconds_read,
        seconds_taken=seconds_taken,
    )
