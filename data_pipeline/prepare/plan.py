"""What `prepare` is going to write, decided before anything is decoded."""

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.decode import LONGEST, SAMPLE_RATE
from data_pipeline.clip import Clip
from data_pipeline.dataset import FORMAT
from data_pipeline.quality.unusable import SHORTEST, SILENCE
from data_pipeline.splits import SPLITS, SplitName

CLIPS_PER_SHARD = 256
"""At most: some 20 MB of acted sentences, small enough that workers finish at the same time and that little is redone
after an interruption."""

_SEED = 0


@dataclass(frozen=True)
class Shard:
    """One record file to be.

    Attributes:
        name: Of the file.
        split: The split that its clips are in.
        clips: What goes into it, in order.
    """

    name: str
    split: SplitName
    clips: tuple[Clip, ...]

    @property
    def changed(self) -> int:
        """When the last of its files was changed, in nanoseconds since the epoch."""
        return max(clip.file.changed for clip in self.clips)

    @functools.cached_property
    def digest(self) -> str:
        """Hex digest of what will be in it: settings, clips, labels, sizes of files.

        The same digest means the same bytes unless a file has been changed in between, which `changed` tells.
        """
        digest = hashlib.sha256(_line([FORMAT, SAMPLE_RATE, LONGEST, SHORTEST, SILENCE, self.name]))
        for clip in self.clips:
            digest.update(_line(_describe(clip)))
        return digest.hexdigest()


@dataclass(frozen=True)
class PreparePlan:
    """All record files to be.

    Attributes:
        shards: In the order of splits and names.
        split_kind: Which kind of split put the clips in their splits.
    """

    shards: tuple[Shard, ...]
    split_kind: str

    @property
    def digest(self) -> str:
        """Hex digest of what will be in all of them; see `Shard.digest`."""
        return plan_digest(self.split_kind, [shard.digest for shard in self.shards])

    @property
    def clips(self) -> int:
        """How many there are, those included that will turn out to be useless."""
        return sum(len(shard.clips) for shard in self.shards)

    @property
    def changed(self) -> int:
        """When the last of all files was changed, in nanoseconds since the epoch."""
        return max(shard.changed for shard in self.shards)


def plan_digest(split_kind: str, shards: Sequence[str]) -> str:
    """`PreparePlan.digest`, from the digests of its shards where they are known already.

    Args:
        split_kind: See `PreparePlan`.
        shards: The digest of each.
    """
    return hashlib.sha256(_line([split_kind, *shards])).hexdigest()


def make_plan(clips: Iterable[tuple[Clip, SplitName]], split_kind: str) -> PreparePlan:
    """Lay clips out in shards.

    Each split is shuffled as a whole and then cut, so that every shard mixes speakers and emotions, and the
    order of `clips` does not matter.

    Args:
        clips: Each with its split.
        split_kind: Which kind of split put them in their splits.
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
    """Everything that decides a clip's record; where its corpus lies does not."""
    fields = {name: getattr(clip, name) for name in clip.__dataclass_fields__ if name not in ("file", "split")}
    # The name that the split had when the first datasets were written; another would give other digests.
    return {**fields, "side": clip.split, "file": clip.file.name, "size": clip.file.size}
