"""Which clips `prepare` writes into which shard, decided before anything is decoded."""

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.limits import LONGEST, SHORTEST, SILENCE
from data_pipeline.audio.speech.verdict import LEAST_SPEECH
from data_pipeline.clip import Clip
from data_pipeline.dataset import FORMAT
from data_pipeline.splits import SPLITS, SplitName

CLIPS_PER_SHARD = 256
"""Most clips of a shard: some 20 MB of acted sentences, so that workers finish at the same time and little is repeated
after an interruption."""

_SEED = 0


@dataclass(frozen=True)
class Shard:
    """One record file that is to be written.

    Attributes:
        name: Name of the file.
        split: Split of its clips.
        clips: Its clips, in order.
    """

    name: str
    split: SplitName
    clips: tuple[Clip, ...]

    @property
    def changed(self) -> int:
        """Time of the last change of its audio files, in nanoseconds since the epoch."""
        return max(clip.file.changed for clip in self.clips)

    @functools.cached_property
    def digest(self) -> str:
        """Hex digest of what will be in it: settings, clips, labels, sizes of files.

        Equal digests mean equal bytes, unless an audio file was changed in between, which `changed` tells.
        """
        # Where nobody looks for speech, as in the first datasets, it does not matter how much is enough.
        listening = [] if all(clip.listened_to for clip in self.clips) else [LEAST_SPEECH]
        digest = hashlib.sha256(_line([FORMAT, SAMPLE_RATE, LONGEST, SHORTEST, SILENCE, *listening, self.name]))
        for clip in self.clips:
            digest.update(_line(_describe(clip)))
        return digest.hexdigest()


@dataclass(frozen=True)
class PreparePlan:
    """All record files that are to be written.

    Attributes:
        shards: Shards in the order of splits and names.
        split_kind: Kind of split that put the clips in their splits.
    """

    shards: tuple[Shard, ...]
    split_kind: str

    @property
    def digest(self) -> str:
        """Hex digest of what will be in all shards; see `Shard.digest`."""
        return plan_digest(self.split_kind, [shard.digest for shard in self.shards])

    @property
    def clips(self) -> int:
        """Number of clips, including those that will turn out to be useless."""
        return sum(len(shard.clips) for shard in self.shards)

    @property
    def changed(self) -> int:
        """Time of the last change of all audio files, in nanoseconds since the epoch."""
        return max(shard.changed for shard in self.shards)


def plan_digest(split_kind: str, shards: Sequence[str]) -> str:
    """The digest of a plan (`PreparePlan.digest`) from the digests of its shards.

    Args:
        split_kind: See `PreparePlan`.
        shards: Digest of each shard.
    """
    return hashlib.sha256(_line([split_kind, *shards])).hexdigest()


def make_plan(clips: Iterable[tuple[Clip, SplitName]], split_kind: str) -> PreparePlan:
    """Divide clips into shards.

    Each split is shuffled as a whole and then cut, so that every shard mixes speakers and emotions. The order of
    `clips` does not matter.

    Args:
        clips: Clips, each with its split.
        split_kind: Kind of split that put them in their splits.
    """
    by_split: dict[SplitName, list[Clip]] = {split: [] for split in SPLITS}
    for clip, split in clips:
        by_split[split].append(clip)
    for split in SPLITS:
        by_split[split].sort(key=lambda clip: (clip.corpus, clip.name))
    shards = tuple(shard for split in SPLITS for shard in _cut(split, by_split[split]))
    return PreparePlan(shards, split_kind)


def _cut(split: SplitName, clips: Sequence[Clip]) -> list[Shard]:
    order = np.random.RandomState(_SEED).permutation(len(clips))
    count = -(-len(clips) // CLIPS_PER_SHARD)
    parts = np.array_split(order, count) if count else []
    names = shard_names(split, count)
    return [Shard(name, split, tuple(clips[index] for index in part)) for name, part in zip(names, parts, strict=True)]


def shard_names(split: SplitName, count: int) -> list[str]:
    """The file names of the shards of a split.

    Args:
        split: The split.
        count: Number of its shards.
    """
    return [f"{split}-{number:05d}-of-{count:05d}.tfrecord" for number in range(count)]


def _line(content: object) -> bytes:
    return json.dumps(content, sort_keys=True).encode() + b"\n"


def _describe(clip: Clip) -> dict[str, object]:
    """Everything that decides the record of a clip; the place of its corpus does not."""
    fields = {name: getattr(clip, name) for name in clip.__dataclass_fields__ if name not in ("file", "split")}
    del fields["listened_to"]
    if clip.track is None:
        # As in the datasets from before there were tracks.
        del fields["track"]
    # The key is the name that the attribute had in the first datasets; with another the digests would change.
    return {**fields, "side": clip.split, "file": clip.file.name, "size": clip.file.size}
