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
from data_pipeline.quality import SHORTEST, SILENCE
from data_pipeline.side import SIDES, Side

CLIPS_PER_SHARD = 256
"""At most: some 20 MB of acted sentences, small enough that workers finish at the same time and that little is redone
after an interruption."""

_SEED = 0


@dataclass(frozen=True)
class Shard:
    """One record file to be.

    Attributes:
        name: Of the file.
        side: Of the split.
        clips: What goes into it, in order.
    """

    name: str
    side: Side
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
class Plan:
    """All record files to be.

    Attributes:
        shards: In the order of sides and names.
        split_title: Which kind of split put the clips on their sides.
    """

    shards: tuple[Shard, ...]
    split_title: str

    @property
    def digest(self) -> str:
        """Hex digest of what will be in all of them; see `Shard.digest`."""
        return plan_digest(self.split_title, [shard.digest for shard in self.shards])

    @property
    def clips(self) -> int:
        """How many there are, those included that will turn out to be useless."""
        return sum(len(shard.clips) for shard in self.shards)

    @property
    def changed(self) -> int:
        """When the last of all files was changed, in nanoseconds since the epoch."""
        return max(shard.changed for shard in self.shards)


def plan_digest(split_title: str, shards: Sequence[str]) -> str:
    """`Plan.digest`, from the digests of its shards where they are known already.

    Args:
        split_title: See `Plan`.
        shards: The digest of each.
    """
    return hashlib.sha256(_line([split_title, *shards])).hexdigest()


def make_plan(clips: Iterable[tuple[Clip, Side]], split_title: str) -> Plan:
    """Lay clips out in shards.

    Each side is shuffled as a whole and then cut, so that every shard mixes speakers and emotions, and the
    order of `clips` does not matter.

    Args:
        clips: Each with its side.
        split_title: Which kind of split put them on their sides.
    """
    by_side: dict[Side, list[Clip]] = {side: [] for side in SIDES}
    for clip, side in clips:
        by_side[side].append(clip)
    for side in SIDES:
        by_side[side].sort(key=lambda clip: (clip.corpus, clip.name))
    shards = tuple(shard for side in SIDES for shard in _cut(side, by_side[side]))
    return Plan(shards, split_title)


def _cut(side: Side, clips: Sequence[Clip]) -> list[Shard]:
    order = np.random.RandomState(_SEED).permutation(len(clips))
    count = -(-len(clips) // CLIPS_PER_SHARD)
    return [
        Shard(f"{side}-{number:05d}-of-{count:05d}.tfrecord", side, tuple(clips[index] for index in part))
        for number, part in enumerate(np.array_split(order, count) if count else [])
    ]


def _line(content: object) -> bytes:
    return json.dumps(content, sort_keys=True).encode() + b"\n"


def _describe(clip: Clip) -> dict[str, object]:
    """Everything that decides a clip's record; where its corpus lies does not."""
    fields = {name: getattr(clip, name) for name in clip.__dataclass_fields__ if name != "file"}
    return {**fields, "file": clip.file.name, "size": clip.file.size}
