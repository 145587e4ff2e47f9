"""Carry out one shard of a plan: decode its clips, set the useless ones aside, write the rest as records."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import tensorflow as tf

from data_pipeline.decode import UnusableAudio, decode
from data_pipeline.emotion import Emotion
from data_pipeline.errors import UserError
from data_pipeline.plan import Item, Shard
from data_pipeline.quality import objection
from data_pipeline.records import encode


@dataclass(frozen=True, slots=True)
class Kept:
    """A clip that became a record.

    Attributes:
        name: `corpus/name`.
        speaker: `corpus/speaker`.
        emotion: Its label.
        samples: At 16 kHz.
        digest: Hex digest of the samples.
    """

    name: str
    speaker: str
    emotion: Emotion
    samples: int
    digest: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """A clip that did not.

    Attributes:
        file: Its path below its corpus's folder.
        reason: What is wrong with it, worded to follow the file's name.
    """

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file} {self.reason}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a shard.

    Attributes:
        plan: Digest of the plan that it belongs to.
        size: Of the record file in bytes.
        digest: Hex digest of the records, in order.
        kept: The clips in it, in order.
        set_aside: The clips left out.
    """

    plan: str
    size: int
    digest: str
    kept: tuple[Kept, ...]
    set_aside: tuple[SetAside, ...]


def write_shard(shard: Shard, plan: str, out: Path, work: Path, on_clip: Callable[[], None]) -> Outcome:
    """Write one record file, and after it a note of its outcome.

    The file appears under its name only when it is whole, and the note only after the file, so that a run that is
    killed at any moment leaves nothing that could be taken for more than it is.

    Args:
        shard: What to write.
        plan: Digest of the plan that it belongs to.
        out: Where the record file goes.
        work: Folder on the same file system for the note and unfinished files.
        on_clip: Called after each clip; what it raises ends the work.

    Raises:
        UserError: If the disk refuses.
    """
    unfinished = work / f"{shard.name}.unfinished"
    digest = hashlib.sha256()
    kept: list[Kept] = []
    set_aside: list[SetAside] = []
    try:
        with tf.io.TFRecordWriter(str(unfinished)) as writer:
            for item in shard.items:
                result = _convert(item)
                if isinstance(result, SetAside):
                    set_aside.append(result)
                else:
                    clip, record = result
                    kept.append(clip)
                    writer.write(record)
                    digest.update(len(record).to_bytes(8, "little") + record)
                on_clip()
        outcome = Outcome(plan, unfinished.stat().st_size, digest.hexdigest(), tuple(kept), tuple(set_aside))
        os.replace(unfinished, out / shard.name)
        _write_note(outcome, _note_path(work, shard))
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"cannot write {out / shard.name} ({getattr(error, 'message', error)}): make room or choose another "
            "folder, then run the same command again to go on from here"
        ) from error
    return outcome


def read_outcome(shard: Shard, plan: str, out: Path, work: Path) -> Outcome | None:
    """The outcome of a shard that an earlier run finished.

    Args:
        shard: Which.
        plan: Digest of the plan that it must belong to.
        out: Where its record file is.
        work: Where its note is.

    Returns:
        None if there is no such shard, if it belongs to another plan, if a clip's file has been changed since, or
        if the record file is not as the note says.
    """
    try:
        path = _note_path(work, shard)
        if path.stat().st_mtime_ns < shard.changed:
            return None
        note = json.loads(path.read_text())
        outcome = Outcome(
            plan=note["plan"],
            size=note["size"],
            digest=note["digest"],
            kept=tuple(Kept(**{**clip, "emotion": Emotion(clip["emotion"])}) for clip in note["kept"]),
            set_aside=tuple(SetAside(**clip) for clip in note["set_aside"]),
        )
        size = (out / shard.name).stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return outcome if (outcome.plan, outcome.size) == (plan, size) else None


def _convert(item: Item) -> SetAside | tuple[Kept, bytes]:
    clip = item.clip
    try:
        pcm = decode(clip.path)
    except UnusableAudio as error:
        return SetAside(item.file, error.reason)
    if reason := objection(pcm):
        return SetAside(item.file, reason)
    kept = Kept(
        name=f"{clip.corpus}/{clip.name}",
        speaker=f"{clip.corpus}/{clip.speaker}",
        emotion=clip.emotion,
        samples=len(pcm),
        digest=hashlib.sha256(pcm.tobytes()).hexdigest(),
    )
    return kept, encode(clip, pcm)


def _note_path(work: Path, shard: Shard) -> Path:
    return work / f"{shard.name}.json"


def _write_note(outcome: Outcome, path: Path) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(outcome)))
    os.replace(unfinished, path)
