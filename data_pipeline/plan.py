"""What `prepare` is going to write, decided before anything is decoded."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.clip import Clip
from data_pipeline.dataset import FORMAT
from data_pipeline.decode import LONGEST, SAMPLE_RATE
from data_pipeline.emotion import LABELS
from data_pipeline.quality import SHORTEST, SILENCE
from data_pipeline.splits import SIDES, Side

CLIPS_PER_SHARD = 512
"""At most: some 40 MB of acted sentences, small enough to spread over workers and to redo after an
interruption."""

_SEED = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A clip on its way into a dataset.

    Attributes:
        clip: The clip.
        side: Of the split.
        file: The clip's path below its corpus's folder.
        size: Of the file in bytes.
        changed: When the file was last written or replaced (ctime), in nanoseconds since the epoch.
    """

    clip: Clip
    side: Side
    file: str
    size: int
    changed: int


@dataclass(frozen=True, slots=True)
class Shard:
    """One record file to be.

    Attributes:
        name: Of the file.
        side: Of the split.
        items: What goes into it, in order.
    """

    name: str
    side: Side
    items: tuple[Item, ...]

    @property
    def changed(self) -> int:
        """When the last of its files was changed, in nanoseconds since the epoch."""
        return max(item.changed for item in self.items)


@dataclass(frozen=True, slots=True)
class Plan:
    """All record files to be.

    Attributes:
        shards: In the order of sides and names.
        digest: Hex digest of what will be in them: split, clips, labels and sizes of files. The same plan
            gives the same bytes unless a file has been changed in between, which `changed` tells.
    """

    shards: tuple[Shard, ...]
    digest: str

    @property
    def clips(self) -> int:
        """How many there are, those included that will turn out to be useless."""
        return sum(len(shard.items) for shard in self.shards)

    @property
    def changed(self) -> int:
        """When the last of all files was changed, in nanoseconds since the epoch."""
        return max(shard.changed for shard in self.shards)


def make_plan(items: Iterable[Item], split_title: str) -> Plan:
    """Lay clips out in shards.

    Each side is shuffled as a whole and then cut, so that every shard mixes speakers and emotions, and the
    order of `items` does not matter.

    Args:
        items: The clips.
        split_title: Which kind of split put them on their sides.
    """
    by_side: dict[Side, list[Item]] = {side: [] for side in SIDES}
    for item in sorted(items, key=lambda item: (item.clip.corpus, item.clip.name)):
        by_side[item.side].append(item)
    shards = tuple(shard for side in SIDES for shard in _cut(side, by_side[side]))
    return Plan(shards, _digest(shards, split_title))


def _cut(side: Side, items: Sequence[Item]) -> list[Shard]:
    order = np.random.RandomState(_SEED).permutation(len(items))
    count = -(-len(items) // CLIPS_PER_SHARD)
    return [
        Shard(f"{side}-{number:05d}-of-{count:05d}.tfrecord", side, tuple(items[index] for index in part))
        for number, part in enumerate(np.array_split(order, count) if count else [])
    ]


def _digest(shards: Iterable[Shard], split_title: str) -> str:
    content = {
        "format": FORMAT,
        "labels": LABELS,
        "processing": [SAMPLE_RATE, LONGEST, SHORTEST, SILENCE],
        "split": split_title,
        "shards": [[shard.name, [_describe(item) for item in shard.items]] for shard in shards],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _describe(item: Item) -> Mapping[str, object]:
    clip = item.clip
    fields = {name: getattr(clip, name) for name in clip.__dataclass_fields__ if name != "path"}
    return {**fields, "file": item.file, "size": item.size}


def make_items(clips: Sequence[Clip], sides: Mapping[str, Side], folder: Path) -> list[Item]:
    """Look at the files of one corpus's clips.

    Args:
        clips: The clips.
        sides: The side of each, by name.
        folder: The corpus's folder, which holds every file.

    Raises:
        OSError: If a file has gone.
    """
    items = []
    for clip in clips:
        status = clip.path.stat()
        file = clip.path.relative_to(folder).as_posix()
        items.append(Item(clip, sides[clip.name], file, status.st_size, status.st_ctime_ns))
    return items
