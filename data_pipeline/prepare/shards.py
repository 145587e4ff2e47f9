"""Carry out one shard of a plan: decode its clips, set the useless ones aside, write the rest as records.

The same function works in a process of this machine's pool and on a worker of Flink, Spark or Dataflow; nothing here
imports TensorFlow, so that a worker starts at once.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import xxhash

from data_pipeline.audio.decode import UnusableAudio, decode
from data_pipeline.clip import Clip
from data_pipeline.errors import SetAside
from data_pipeline.prepare.outcome import Kept, Outcome, write_outcome
from data_pipeline.prepare.plan import Shard
from data_pipeline.quality import unusable_reason
from data_pipeline.records.record import Record
from data_pipeline.records.tfrecord import write_record
from data_pipeline.storage import join, storage_for


@dataclass(frozen=True, slots=True)
class Task:
    """A shard to be written.

    Attributes:
        shard: Which.
        out: The dataset's folder, where the record file goes; a path or a URL.
        work: The folder for the note of what became of it.
        avoid: Clips not to be touched, by their index in the shard, with the reason.
    """

    shard: Shard
    out: str
    work: str
    avoid: Mapping[int, str] = field(default_factory=dict)


def write_shard(task: Task, on_clip: Callable[[int], object] = lambda _: None) -> Outcome:
    """Write one record file, and after it a note of its outcome.

    The file appears under its name only when it is whole, and the note only after the file, so that a run
    that is killed at any moment leaves nothing that could be taken for more than it is.

    Args:
        task: What to write, and where.
        on_clip: Called with the index of each clip before it is read; what it raises ends the work.

    Raises:
        UserError: If the disk refuses.
    """
    digest = hashlib.sha256()
    kept: list[Kept] = []
    set_aside: list[SetAside] = []
    size = 0
    location = join(task.out, task.shard.name)
    with storage_for(location).replacing(location) as file:
        for index, clip in enumerate(task.shard.clips):
            on_clip(index)
            reason = task.avoid.get(index)
            result = SetAside(clip.file.name, reason) if reason else _convert(clip)
            if isinstance(result, SetAside):
                set_aside.append(result)
                continue
            note, record = result
            kept.append(note)
            size += write_record(file, record.description, record.head, record.samples)
            digest.update(record.description)
            digest.update(bytes.fromhex(note.digest))
    outcome = Outcome(task.shard.digest, size, digest.hexdigest(), tuple(kept), tuple(set_aside))
    write_outcome(outcome, task.shard, task.work)
    return outcome


def _convert(clip: Clip) -> SetAside | tuple[Kept, Record]:
    try:
        return _record(clip)
    except UnusableAudio as error:
        return SetAside(clip.file.name, error.reason)
    # What is not foreseen in one file must not end the work on all others.
    except Exception as error:
        return SetAside(clip.file.name, f"cannot be converted ({type(error).__name__}: {error})")


def _record(clip: Clip) -> SetAside | tuple[Kept, Record]:
    pcm = decode(clip.file.location, clip.start, clip.end, must_reach_end=True)
    if reason := unusable_reason(pcm):
        return SetAside(clip.file.name, reason)
    kept = Kept(
        name=f"{clip.corpus}/{clip.name}",
        speaker=f"{clip.corpus}/{clip.speaker}",
        emotion=clip.emotion,
        samples=len(pcm),
        # Not against forgers but for finding duplicates, for which 128 bits are plenty, at twenty times the speed.
        digest=xxhash.xxh3_128_hexdigest(pcm.data),
    )
    return kept, Record.of(clip, pcm)
