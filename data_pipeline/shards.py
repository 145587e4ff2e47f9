"""Carry out one shard of a plan: decode its clips, set the useless ones aside, write the rest as records."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from data_pipeline.atomic_file import replacing
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
        work: Where the note goes.
        on_clip: Called after each clip; what it raises ends the work.

    Raises:
        UserError: If the disk refuses.
    """
    digest = hashlib.sha256()
    kept: list[Kept] = []
    set_aside: list[SetAside] = []
    try:
        with replacing(out / shard.name) as part:
            with tf.io.TFRecordWriter(str(part)) as writer:
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
            size = part.stat().st_size
    # TensorFlow's writer has errors of its own for a full disk.
    except tf.errors.OpError as error:
        raise UserError(
            f"{out / shard.name} cannot be written ({error.message}): make room, then run the same command again "
            "to go on from here"
        ) from error
    outcome = Outcome(plan, size, digest.hexdigest(), tuple(kept), tuple(set_aside))
    write_outcome(outcome, shard, work)
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
