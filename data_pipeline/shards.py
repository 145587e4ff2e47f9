"""Carry out one shard of a plan: decode its clips, set the useless ones aside, write the rest as records."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from data_pipeline.decode import UnusableAudio, decode
from data_pipeline.errors import UserError
from data_pipeline.outcome import Kept, Outcome, SetAside, write_outcome
from data_pipeline.plan import Item, Shard
from data_pipeline.quality import objection
from data_pipeline.records import encode


def write_shard(shard: Shard, plan: str, out: Path, work: Path, on_clip: Callable[[], None]) -> Outcome:
    """Write one record file, and after it a note of its outcome.

    The file appears under its name only when it is whole, and the note only after the file, so that a run
    that is killed at any moment leaves nothing that could be taken for more than it is.

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
        unfinished.replace(out / shard.name)
        write_outcome(outcome, shard, work)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"cannot write {out / shard.name} ({getattr(error, 'message', error)}): make room, then run the "
            "same command again to go on from here"
        ) from error
    return outcome


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
