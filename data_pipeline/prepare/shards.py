"""Carry out one shard of a plan: decode its clips, set the useless ones aside, write the others as records.

The same function works in a process of this machine's pool and on a worker of Flink, Spark or Dataflow. Nothing here
imports TensorFlow, so that a worker starts at once.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import xxhash

from data_pipeline.audio.decode import SAMPLE_RATE, Decoded, UnusableAudio, decode_utterance
from data_pipeline.clip import Clip
from data_pipeline.errors import SetAside
from data_pipeline.prepare.plan import Shard
from data_pipeline.prepare.shard_result import ShardResult, WrittenClip, write_result
from data_pipeline.quality.unusable import unusable_reasons
from data_pipeline.records.record import Record
from data_pipeline.records.tfrecord import write_record
from data_pipeline.storage import join, storage_for

DEADLY = "ended the process that read it by crashing or hanging it: its data are broken"


@dataclass(frozen=True, slots=True)
class ShardTask:
    """A shard to be written; a task for `workers.pool.run_tasks`, whose items are the clips.

    Attributes:
        shard: The shard.
        out: The folder that the record file goes to; a path or a URL.
        work: The folder for the note of what became of it.
        avoid: Clips not to be read, by their index in the shard, with the reason.
    """

    shard: Shard
    out: str
    work: str
    avoid: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.shard.clips)

    def run(self, on_item: Callable[[int], object] = lambda _: None) -> ShardResult:
        """Write the record file, and after it the note of its result.

        The file appears under its name only when it is whole, and the note only after the file. A run that is killed
        at any moment leaves nothing that could be taken for more than it is.

        Args:
            on_item: Called with the index of each clip before it is read; what it raises ends the work.

        Raises:
            UserError: If the file cannot be written.
        """
        digest = hashlib.sha256()
        written: list[WrittenClip] = []
        set_aside: list[SetAside] = []
        size = 0
        location = join(self.out, self.shard.name)
        with storage_for(location).replacing(location) as file:
            for result in self._converted(on_item):
                if isinstance(result, SetAside):
                    set_aside.append(result)
                    continue
                note, record = result
                written.append(note)
                size += write_record(file, record.description, record.head, record.samples)
                digest.update(record.description)
                digest.update(bytes.fromhex(note.digest))
        written_shard = ShardResult(self.shard.digest, size, digest.hexdigest(), tuple(written), tuple(set_aside))
        write_result(written_shard, self.shard, self.work)
        return written_shard

    def _converted(self, on_item: Callable[[int], object]) -> Iterator[SetAside | tuple[WrittenClip, Record]]:
        """The clips in order, decoded one by one and judged several at a time."""
        waiting: list[tuple[Clip, Decoded | SetAside]] = []
        samples = 0
        for index, clip in enumerate(self.shard.clips):
            on_item(index)
            reason = self.avoid.get(index)
            decoded = SetAside(clip.file.name, reason) if reason else _decoded(clip)
            waiting.append((clip, decoded))
            samples += len(decoded.pcm) if isinstance(decoded, Decoded) else 0
            if len(waiting) >= _JUDGED_TOGETHER or samples >= _MOST_SAMPLES:
                yield from _judged(waiting)
                waiting, samples = [], 0
        yield from _judged(waiting)

    def without(self, index: int) -> "ShardTask":
        """The same task, with a clip set aside that has ended its process."""
        return replace(self, avoid={**self.avoid, index: DEADLY})


WriteShards = Callable[[Sequence[ShardTask], Callable[[int], None]], Mapping[str, ShardResult]]
"""Writes shards, reporting how many clips are done; returns their results by the names of the shards."""


_JUDGED_TOGETHER = 32
"""Number of clips in which speech is looked for at a time."""

_MOST_SAMPLES = _JUDGED_TOGETHER * 10 * SAMPLE_RATE
"""Number of samples at which no more clips are waited for: 10 MB, beside which one more clip of 300 s takes as much."""


def _decoded(clip: Clip) -> SetAside | Decoded:
    try:
        return decode_utterance(clip.file.location, clip.start, clip.end, must_reach_end=True, track=clip.track)
    except UnusableAudio as error:
        return SetAside(clip.file.name, error.reason)
    # What is not foreseen in one file must not end the work on all others.
    except Exception as error:
        return SetAside(clip.file.name, f"cannot be converted ({type(error).__name__}: {error})")


def _judged(clips: Sequence[tuple[Clip, Decoded | SetAside]]) -> Iterator[SetAside | tuple[WrittenClip, Record]]:
    """Records of what can be used, and why the others cannot, in order."""
    whole = [(clip, decoded) for clip, decoded in clips if isinstance(decoded, Decoded)]
    reasons = iter(unusable_reasons([decoded.pcm for _, decoded in whole], [clip.listened_to for clip, _ in whole]))
    for clip, decoded in clips:
        if isinstance(decoded, SetAside):
            yield decoded
        elif reason := next(reasons):
            yield SetAside(clip.file.name, reason)
        else:
            yield _record(clip, decoded)


def _record(clip: Clip, decoded: Decoded) -> tuple[WrittenClip, Record]:
    written = WrittenClip(
        name=f"{clip.corpus}/{clip.name}",
        speaker=f"{clip.corpus}/{clip.speaker}",
        emotion=clip.emotion,
        samples=len(decoded.pcm),
        # Not against forgers but for finding duplicates, for which 128 bits are plenty, at twenty times the speed.
        digest=xxhash.xxh3_128_hexdigest(decoded.pcm.data),
        cut_off=decoded.is_cut_off,
    )
    return written, Record.of(clip, decoded.pcm)
