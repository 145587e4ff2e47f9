"""Several prepared datasets as one, with a new split of the speakers."""

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import tensorflow as tf

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.dataset import Dataset, Split, fingerprint
from data_pipeline.emotion import EMOTIONS
from data_pipeline.errors import UserError
from data_pipeline.prepare.output_folder import DESCRIPTION, OutputFolder
from data_pipeline.prepare.plan import CLIPS_PER_SHARD, shard_names
from data_pipeline.records.damage import damage_named
from data_pipeline.records.parsing import parse
from data_pipeline.records.tfrecord import write_record
from data_pipeline.splits import SPLITS, SplitName

_MOST_SHARDS = 128
"""Most shards of a split, since all are open at the same time."""


@dataclass(slots=True)
class _Written:
    """What has been written of a split.

    Attributes:
        shards: Files of the shards, by name; records go to them in turn, so that each has some of every dataset.
        digest: Digest of the records in their order.
        clips: Number of clips.
        samples: Number of samples at 16 kHz.
        voted: Number of clips with listeners' votes.
        unknown: Number of clips whose speaker is unknown.
        speakers: Speakers, each `corpus/speaker`.
        emotions: Number of clips of each emotion.
    """

    shards: dict[str, BinaryIO]
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    clips: int = 0
    samples: int = 0
    voted: int = 0
    unknown: int = 0
    speakers: set[str] = field(default_factory=set)
    emotions: Counter[str] = field(default_factory=Counter)

    def add(self, record: bytes, known: Mapping) -> None:
        """Write a record and count it."""
        write_record(list(self.shards.values())[self.clips % len(self.shards)], record)
        self.digest.update(hashlib.sha256(record).digest())
        self.clips += 1
        self.samples += int(known["num_samples"])
        self.voted += bool(known["votes"].any())
        self.unknown += not known["speaker_known"]
        self.speakers.add(_speaker(known))
        self.emotions[known["emotion"].decode()] += 1

    def split(self, folder: Path) -> Split:
        """The description of the split, once its files in the folder are complete."""
        return Split(
            clips=self.clips,
            seconds=round(self.samples / SAMPLE_RATE, 3),
            speakers=tuple(sorted(self.speakers)),
            emotions={emotion: self.emotions[emotion] for emotion in EMOTIONS if self.emotions[emotion]},
            shards=tuple(self.shards),
            shard_bytes={name: (folder / name).stat().st_size for name in self.shards},
            voted=self.voted,
        )


def combine(parts: Sequence[Dataset], folder: Path, splits: Mapping[str, SplitName]) -> Dataset:
    """Write one dataset of the clips of several.

    A clip that several datasets have, by corpus and name, is taken from the last of them. Where the folder holds the
    result of the same call, nothing is written.

    Args:
        parts: Prepared datasets.
        folder: Folder of the new dataset; made if it is missing.
        splits: Split of each speaker (`corpus/speaker`); clips of other speakers are left out.

    Returns:
        The dataset, whose `dataset.json` names its parts.

    Raises:
        UserError: If the folder holds anything else, or cannot be written.
    """
    origin = {
        "parts": [{"folder": str(part.folder), "fingerprint": part.fingerprint} for part in parts],
        "sides": hashlib.sha256(json.dumps(sorted(splits.items())).encode()).hexdigest(),
    }
    description = folder / DESCRIPTION
    if description.exists():
        before = json.loads(description.read_text(encoding="utf-8"))
        if before.get("combined") != origin:
            raise UserError(f"{folder} holds another dataset: choose another folder")
        return Dataset.open(folder)
    output = OutputFolder(str(folder))
    with output.claimed():
        written = _write(parts, folder, splits)
        output.write_description(_describe(parts, folder, written, origin))
    return Dataset.open(folder)


def _write(parts: Sequence[Dataset], folder: Path, splits: Mapping[str, SplitName]) -> dict[SplitName, _Written]:
    most = Counter[SplitName]()
    for before in (split for part in parts for split in part.splits.values()):
        # The speakers of one old split may go to several new ones.
        for split in {splits[speaker] for speaker in before.speakers if speaker in splits}:
            most[split] += before.clips
    with contextlib.ExitStack() as files:
        written: dict[SplitName, _Written] = {}
        for split in (split for split in SPLITS if most[split]):
            names = shard_names(split, min(-(-most[split] // CLIPS_PER_SHARD), _MOST_SHARDS))
            written[split] = _Written({name: files.enter_context((folder / name).open("wb")) for name in names})
        taken: set[tuple[bytes, bytes]] = set()
        for part in reversed(parts):
            for record, known in _records(part):
                clip, speaker = (known["corpus"], known["name"]), _speaker(known)
                if speaker in splits and clip not in taken:
                    taken.add(clip)
                    written[splits[speaker]].add(record, known)
    return {split: one for split, one in written.items() if one.clips}


def _records(part: Dataset) -> Iterator[tuple[bytes, Mapping]]:
    """Every record of a dataset, with what it says about its clip."""
    shards = [str(part.folder / shard) for split in part.splits.values() for shard in split.shards]

    def known(record: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        utterance = parse(record)
        del utterance["waveform"]
        return record, utterance

    with damage_named(part):
        yield from tf.data.TFRecordDataset(shards).map(known, tf.data.AUTOTUNE).as_numpy_iterator()


def _speaker(known: Mapping) -> str:
    return f"{known['corpus'].decode()}/{known['speaker'].decode()}"


def _describe(parts: Sequence[Dataset], folder: Path, written: Mapping[SplitName, _Written], origin: dict) -> dict:
    emotions = {emotion for one in written.values() for emotion in one.emotions}
    dataset = Dataset(
        folder=folder,
        emotions=tuple(emotion for emotion in EMOTIONS if emotion in emotions),
        corpora=tuple(dict.fromkeys(corpus for part in parts for corpus in part.corpora)),
        speakers_unknown=sum(one.unknown for one in written.values()),
        synthetic=any(part.synthetic for part in parts),
        split_kind="speaker",
        fingerprint=fingerprint((split, one.digest.hexdigest()) for split, one in written.items()),
        splits={split: one.split(folder) for split, one in written.items()},
    )
    return dataset.to_json({"combined": origin, "sample_rate": SAMPLE_RATE})
