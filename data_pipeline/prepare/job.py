"""From corpora on disk to a prepared dataset: all that `ser data prepare` does but talk to the user."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.track import Track
from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.unnamed_speaker import doubtful_speakers
from data_pipeline.dataset import Dataset
from data_pipeline.errors import SetAside, UserError
from data_pipeline.prepare.description import FoundCorpus, describe, described_anew
from data_pipeline.prepare.output_folder import OutputFolder
from data_pipeline.prepare.plan import PreparePlan, Shard, make_plan
from data_pipeline.prepare.shard_result import ShardResult, read_result
from data_pipeline.prepare.shards import ShardTask, WriteShards
from data_pipeline.prepare.split_kind import SplitKind, parse_split_kind
from data_pipeline.quality.duplicates import Conflict
from data_pipeline.splits import SplitName
from data_pipeline.storage import is_remote, join
from data_pipeline.workers.pool import run_tasks
from data_pipeline.workers.process import context, worker_count

_WORKER_MODULES = ("data_pipeline.workers.pool", "data_pipeline.prepare.shards")


@dataclass(frozen=True, slots=True)
class PrepareSummary:
    """What a run of `prepare` did.

    Attributes:
        location: The dataset's folder, a path or a URL.
        dataset: What `dataset.json` says.
        set_aside: Clips that gave no record, sorted by file.
        contradictions: Clips with identical audio and different labels; they are in the dataset.
        leaks: Clips with identical audio in different splits; they are in the dataset.
        cut_off: Names of clips whose files end before their headers say; what is there is in the dataset.
        ignored: Audio files beside the clips whose names do not belong to the corpus.
        elsewhere: Audio files in other folders of the corpus's place.
        others: Files that are not audio by their suffixes.
        doubtful_speakers: Warnings of speakers whose names say that nobody knows them.
        with_votes: Number of clips with listeners' votes.
        with_demographics: Number of clips with the speaker's sex and age.
        unchanged: Whether the dataset was there already, so that nothing was done.
        seconds_read: Seconds of audio in the shards that this run wrote.
        seconds_taken: Seconds that reading and writing them took.
    """

    location: str
    dataset: Dataset
    set_aside: tuple[SetAside, ...]
    contradictions: tuple[Conflict, ...]
    leaks: tuple[Conflict, ...]
    cut_off: tuple[str, ...]
    ignored: tuple[str, ...]
    elsewhere: tuple[str, ...]
    others: tuple[str, ...]
    doubtful_speakers: tuple[str, ...]
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
    on_progress: Callable[[int, int], None] = lambda *_: None,
    write_shards: WriteShards | None = None,
    track: Track | None = None,
) -> PrepareSummary:
    """Write a prepared dataset: record shards and `dataset.json`.

    What is written depends on the sources and the kind of split only, not on the number of workers or on
    interruptions. The same call continues a run that was killed; with everything in place already, it does nothing.

    Args:
        sources: Each corpus with its place, a path or a URL.
        out: The dataset's folder: new, empty, or left by an earlier run; a path or a URL.
        split: Kind of split: `speaker`, `random` or `fold:K/N`.
        workers: Number of processes; by default one for each processor that this process may use.
        overwrite: Whether to replace a finished dataset in `out` that has other content.
        on_progress: Called with the number of clips that are done and of all clips.
        write_shards: Function that writes the shards; by default a pool of `workers` processes on this machine.
        track: Channel of clips for which no manifest names one; None to take channels that are the same.

    Raises:
        UserError: If the input is unusable, `out` holds something else, another run is writing there, a file cannot be
            written, or every clip is set aside, in which case nothing is left behind.
    """
    workers = worker_count(workers)
    kind = parse_split_kind(split)
    if write_shards is None:
        # Starting takes a third of a second, during which this process plans what the others will do.
        context(*_WORKER_MODULES)
    found = _find([(corpus, str(place)) for corpus, place in sources], track)
    plan = _plan(found, kind)
    output = OutputFolder(str(out))
    with output.claimed():
        content = _existing(output, plan, overwrite)
        if content is not None:
            output.abandon()
            fresh = described_anew(content, found)
            if fresh != content:
                output.write_description(fresh)
            return _summary(output, fresh, found, unchanged=True, seconds_read=0.0, seconds_taken=0.0)
        results, seconds_read, seconds_taken = _write(plan, output, write_shards or _pool_of(workers), on_progress)
        if not any(result.written for result in results):
            output.abandon()
            first = next(clip for result in results for clip in result.set_aside)
            raise UserError(
                f"none of the {plan.clips} clips is usable, so nothing was written; for one, {first}: check "
                "that the corpus was copied whole"
            )
        content = describe(plan, found, results, Path(output.location))
        output.publish(content, {name for entry in content["splits"].values() for name in entry["shards"]})
    return _summary(output, content, found, unchanged=False, seconds_read=seconds_read, seconds_taken=seconds_taken)


def _find(sources: Sequence[tuple[Corpus, str]], track: Track | None) -> list[FoundCorpus]:
    listings = [corpus.read(place) for corpus, place in sources]
    taken = {clip.file.location for listing in listings for clip in listing.clips}
    return [
        FoundCorpus(
            corpus,
            place,
            replace(
                listing,
                clips=tuple(
                    replace(clip, track=clip.track or track, listened_to=corpus.acted) for clip in listing.clips
                ),
                # Where corpora lie in one folder, the files of each are elsewhere for the others.
                elsewhere=tuple(file for file in listing.elsewhere if join(place, file) not in taken),
            ),
        )
        for (corpus, place), listing in zip(sources, listings, strict=True)
    ]


def _plan(found: Sequence[FoundCorpus], kind: SplitKind) -> PreparePlan:
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


def _existing(output: OutputFolder, plan: PreparePlan, overwrite: bool) -> dict | None:
    """The description of the dataset if it is there as planned.

    Raises:
        UserError: If the folder holds something else, or another dataset that is not to be overwritten.
    """
    content = output.read_description()
    if content is None:
        return None
    if content["plan"] != plan.digest and not overwrite:
        raise UserError(
            f"{output.location} holds a dataset made of other files or with another split: choose a new "
            "folder, or replace it with --overwrite"
        )
    is_fresh = content["plan"] == plan.digest and output.described_at() > plan.changed
    return content if is_fresh and _is_whole(content, output) else None


def _is_whole(content: dict, output: OutputFolder) -> bool:
    sizes = {name: file.size for name, file in output.record_files().items()}
    try:
        dataset = Dataset.from_json(Path(output.location), content)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return all(sizes.get(name) == size for split in dataset.splits.values() for name, size in split.shard_bytes.items())


def _write(
    plan: PreparePlan, output: OutputFolder, write_shards: WriteShards, on_progress: Callable[[int, int], None]
) -> tuple[list[ShardResult], float, float]:
    """Write the shards that are not there yet.

    Returns:
        The result of every shard in the plan's order, the seconds of audio that this run read, and the seconds that
        this took.
    """
    output.mark_unfinished()
    files = output.unfinished_files()
    done = {shard.name: result for shard in plan.shards if (result := read_result(shard, files))}
    output.delete_unfinished(keep=done)
    before = sum(len(shard.clips) for shard in plan.shards if shard.name in done)
    on_progress(before, plan.clips)
    start = time.perf_counter()
    missing = [ShardTask(shard, output.work, output.work) for shard in plan.shards if shard.name not in done]
    _refuse_full_disk([task.shard for task in missing], output)
    written = write_shards(missing, lambda clips: on_progress(before + clips, plan.clips)) if missing else {}
    on_progress(plan.clips, plan.clips)
    seconds_taken = time.perf_counter() - start
    seconds_read = sum(clip.samples for result in written.values() for clip in result.written) / SAMPLE_RATE
    return [(done | dict(written))[shard.name] for shard in plan.shards], seconds_read, seconds_taken


def _refuse_full_disk(shards: Sequence[Shard], output: OutputFolder) -> None:
    """Find out before hours of work, not after, that there is no room; records take more than compressed audio."""
    if is_remote(output.location):
        return
    # How much of its file a part takes is not known.
    whole = (clip for shard in shards for clip in shard.clips if not clip.start and clip.end is None)
    least = sum(clip.file.size for clip in whole)
    free = shutil.disk_usage(output.location).free
    # Files at higher rates or with more channels shrink; a twelfth is what is left of stereo at 96 kHz.
    if free < least / 12:
        raise UserError(
            f"{output.location} has room for {free / 1e9:.1f} GB, too little for records of "
            f"{least / 1e9:.1f} GB of audio files: make room or choose another folder"
        )


def _pool_of(workers: int) -> WriteShards:
    def write_shards(tasks: Sequence[ShardTask], on_progress: Callable[[int], None]) -> dict[str, ShardResult]:
        results = run_tasks(tasks, workers, "wrote records", modules=_WORKER_MODULES, on_progress=on_progress)
        return {tasks[number].shard.name: result for number, result in results}

    return write_shards


def _summary(
    output: OutputFolder,
    content: dict,
    found: Sequence[FoundCorpus],
    unchanged: bool,
    seconds_read: float,
    seconds_taken: float,
) -> PrepareSummary:
    return PrepareSummary(
        location=output.location,
        dataset=Dataset.from_json(Path(output.location), content),
        set_aside=tuple(SetAside(**clip) for clip in content["set_aside"]),
        contradictions=tuple(
            Conflict(tuple(group["names"]), tuple(group["emotions"])) for group in content["contradictions"]
        ),
        leaks=tuple(Conflict(tuple(group["names"]), tuple(group["sides"])) for group in content["leaks"]),
        # Datasets from before they were counted do not name them.
        cut_off=tuple(content.get("cut_off", ())),
        ignored=tuple(file for source in content["sources"] for file in source["ignored"]),
        elsewhere=tuple(file for source in content["sources"] for file in source.get("elsewhere", ())),
        others=tuple(file for source in content["sources"] for file in source.get("others", ())),
        doubtful_speakers=tuple(
            doubtful_speakers(clip.speaker for source in found for clip in source.listing.clips if clip.speaker_known)
        ),
        with_votes=content["clips_with_votes"],
        with_demographics=content["clips_with_demographics"],
        unchanged=unchanged,
        seconds_read=seconds_read,
        seconds_taken=seconds_taken,
    )
