"""From corpora on disk to a prepared dataset: all that `ser data prepare` does but talk to the user."""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import Emotion
from data_pipeline.errors import SetAside, UserError
from data_pipeline.prepare.description import FoundCorpus, describe, described_anew
from data_pipeline.prepare.destination import Destination
from data_pipeline.prepare.outcome import Outcome, read_outcome
from data_pipeline.prepare.plan import Plan, Shard, make_plan
from data_pipeline.prepare.pool import warm_up, write_shards
from data_pipeline.prepare.shards import Task
from data_pipeline.prepare.split_kind import SplitKind, parse_split_kind
from data_pipeline.quality import Contradiction
from data_pipeline.splits import SplitName
from data_pipeline.storage import is_remote

WriteAll = Callable[[Sequence[Task], Callable[[int], None]], Mapping[str, Outcome]]
"""Writes shards, reporting how many clips are done; gives their outcomes by the shards' names."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run of `prepare` did.

    Attributes:
        location: The dataset's folder, a path or a URL.
        dataset: What `dataset.json` says.
        set_aside: Clips that gave no record, sorted by file.
        contradictions: Identical audio under different labels; kept in the dataset.
        leaks: Names of clips with identical audio that are in different splits; kept in the dataset.
        ignored: Audio files beside the clips whose names are not of the corpus.
        with_votes: How many clips have listeners' votes.
        with_demographics: How many clips have the speaker's sex and age.
        unchanged: Whether the dataset was there already, so that nothing was done.
        seconds_read: Of audio in the shards that this run wrote.
        seconds_taken: By the clock, for reading and writing them.
    """

    location: str
    dataset: Dataset
    set_aside: tuple[SetAside, ...]
    contradictions: tuple[Contradiction, ...]
    leaks: tuple[tuple[str, ...], ...]
    ignored: tuple[str, ...]
    with_votes: int
    with_demographics: int
    unchanged: bool
    seconds_read: float
    seconds_taken: float


def prepare(
    sources: Sequence[tuple[Corpus, str | Path]],
    out: str | Path,
    split: str = "speaker",
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    write_all: WriteAll | None = None,
) -> Summary:
    """Write a prepared dataset: record shards and `dataset.json`.

    What is written depends on the sources and the split only, not on the number of workers or on
    interruptions. A run that was killed is taken up again by the same call; with everything in place already,
    nothing is done.

    Args:
        sources: Each corpus with its place, a path or a URL.
        out: The dataset's folder: new, empty, or left by an earlier run; a path or a URL.
        split: `speaker`, `random` or `fold:K/N`.
        workers: How many processes. Defaults to the processors that this one may use.
        overwrite: Whether to replace a finished dataset in `out` that has other content.
        on_progress: Called with the number of clips done and of all.
        write_all: What writes the shards; by default a pool of `workers` processes on this machine.

    Raises:
        UserError: If the input is unusable, `out` holds something else, another run is writing there, the
            disk refuses, or every clip is set aside, in which case nothing is left behind.
    """
    workers = len(os.sched_getaffinity(0)) if workers is None else workers
    if workers < 1:
        raise UserError(f"{workers} workers cannot do anything; ask for at least 1")
    kind = parse_split_kind(split)
    if write_all is None:
        warm_up()
    found = [FoundCorpus(corpus, str(place), corpus.read(str(place))) for corpus, place in sources]
    plan = _plan(found, kind)
    destination = Destination(str(out))
    with destination.claimed():
        content = _finished(destination, plan, overwrite)
        if content is not None:
            destination.abandon()
            fresh = described_anew(content, found)
            if fresh != content:
                destination.describe(fresh)
            return _summary(destination, fresh, unchanged=True, seconds_read=0.0, seconds_taken=0.0)
        outcomes, seconds_read, seconds_taken = _carry_out(
            plan, destination, write_all or _pool_of(workers), on_progress or (lambda *_: None)
        )
        if not any(outcome.kept for outcome in outcomes):
            destination.abandon()
            first = next(clip for outcome in outcomes for clip in outcome.set_aside)
            raise UserError(
                f"none of the {plan.clips} clips is usable, so nothing was written; for one, {first}: check "
                "that the corpus was copied whole"
            )
        content = describe(found, kind.title, plan, outcomes)
        shards = {name for split in content["splits"].values() for name in split["shards"]}
        destination.finish(content, shards)
    return _summary(destination, content, unchanged=False, seconds_read=seconds_read, seconds_taken=seconds_taken)


def _plan(found: Sequence[FoundCorpus], kind: SplitKind) -> Plan:
    """Decide on the split of every clip; of a corpus that was given at several places, all speakers together."""
    corpora = {source.corpus.name: source.corpus for source in found}
    clips_of: dict[str, list[Clip]] = {name: [] for name in corpora}
    for source in found:
        clips_of[source.corpus.name] += source.listing.clips
    _refuse_duplicates([clip for clips in clips_of.values() for clip in clips])
    placed: list[tuple[Clip, SplitName]] = []
    for name, clips in clips_of.items():
        splits = kind.assign(clips, corpora[name].speaker_splits)
        placed += [(clip, splits[clip.name]) for clip in clips]
    return make_plan(placed, kind.title)


def _refuse_duplicates(clips: Sequence[Clip]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for clip in clips:
        other = seen.setdefault((clip.corpus, clip.name), clip.file.location)
        if other is not clip.file.location:
            raise UserError(f"{other} and {clip.file.location} are both {clip.corpus}/{clip.name}: remove one of them")


def _finished(destination: Destination, plan: Plan, overwrite: bool) -> dict | None:
    """The description of the dataset if it is there as planned.

    Raises:
        UserError: If the folder holds something else, or another dataset and it is not to be overwritten.
    """
    content = destination.description()
    if content is None:
        return None
    if content["plan"] != plan.digest and not overwrite:
        raise UserError(
            f"{destination.location} holds a dataset made of other files or with another split: choose a new "
            "folder, or replace it with --overwrite"
        )
    is_fresh = content["plan"] == plan.digest and destination.changed() > plan.changed
    return content if is_fresh and _is_whole(content, destination) else None


def _is_whole(content: dict, destination: Destination) -> bool:
    sizes = {name: file.size for name, file in destination.finished().items()}
    try:
        Dataset.from_json(Path(destination.location), content)
        listed = {name: size for split in content["splits"].values() for name, size in split["shard_bytes"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return all(sizes.get(name) == size for name, size in listed.items())


def _carry_out(
    plan: Plan, destination: Destination, write_all: WriteAll, on_progress: Callable[[int, int], None]
) -> tuple[list[Outcome], float, float]:
    """Write the shards that are not there yet.

    Returns:
        The outcome of every shard in the plan's order, the seconds of audio that this run read, and how many
        seconds that took.
    """
    destination.begin()
    begun = destination.begun()
    done = {shard.name: outcome for shard in plan.shards if (outcome := read_outcome(shard, begun))}
    destination.clear(keep=done)
    before = sum(len(shard.clips) for shard in plan.shards if shard.name in done)
    on_progress(before, plan.clips)
    start = time.perf_counter()
    missing = [Task(shard, destination.work, destination.work) for shard in plan.shards if shard.name not in done]
    _refuse_full_disk([task.shard for task in missing], destination)
    written = write_all(missing, lambda clips: on_progress(before + clips, plan.clips)) if missing else {}
    on_progress(plan.clips, plan.clips)
    seconds_taken = time.perf_counter() - start
    seconds_read = sum(clip.samples for outcome in written.values() for clip in outcome.kept) / SAMPLE_RATE
    outcomes = [(done | dict(written))[shard.name] for shard in plan.shards]
    return outcomes, seconds_read, seconds_taken


def _refuse_full_disk(shards: Sequence[Shard], destination: Destination) -> None:
    """Find out before hours of work, not after, that there is no room; compressed audio takes more than it did."""
    if is_remote(destination.location):
        return
    # Of parts of files nothing is known but that they are parts.
    whole = (clip for shard in shards for clip in shard.clips if not clip.start and clip.end is None)
    least = sum(clip.file.size for clip in whole)
    free = shutil.disk_usage(destination.location).free
    # Files at higher rates or with more channels shrink; a twelfth is what stereo at 96 kHz leaves of itself.
    if free < least / 12:
        raise UserError(
            f"{destination.location} has room for {free / 1e9:.1f} GB, too little for records of "
            f"{least / 1e9:.1f} GB of audio files: make room or choose another folder"
        )


def _pool_of(workers: int) -> WriteAll:
    def write_all(tasks: Sequence[Task], on_progress: Callable[[int], None]) -> dict[str, Outcome]:
        return {task.shard.name: outcome for task, outcome in write_shards(tasks, workers, on_progress)}

    return write_all


def _summary(
    destination: Destination, content: dict, unchanged: bool, seconds_read: float, seconds_taken: float
) -> Summary:
    return Summary(
        location=destination.location,
        dataset=Dataset.from_json(Path(destination.location), content),
        set_aside=tuple(SetAside(**clip) for clip in content["set_aside"]),
        contradictions=tuple(
            Contradiction(tuple(group["names"]), tuple(map(Emotion, group["emotions"])))
            for group in content["contradictions"]
        ),
        leaks=tuple(tuple(group["names"]) for group in content["leaks"]),
        ignored=tuple(file for source in content["sources"] for file in source["ignored"]),
        with_votes=content["clips_with_votes"],
        with_demographics=content["clips_with_demographics"],
        unchanged=unchanged,
        seconds_read=seconds_read,
        seconds_taken=seconds_taken,
    )
