"""Metadata of every clip of a dataset, as columns to count and group by; waveforms are read on request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import tensorflow as tf

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import EMOTIONS
from data_pipeline.errors import UserError
from data_pipeline.input_pipeline import descriptions
from data_pipeline.records.damage import damage_named
from data_pipeline.records.parsing import parse
from data_pipeline.splits import SPLITS
from data_pipeline.targets import Target


@dataclass(frozen=True, slots=True, eq=False)
class ClipTable:
    """A row for each clip, in the order of the records, one split after the other.

    Attributes:
        split: str [clips].
        place: int [clips], the clip's position among the records of its split.
        name: str [clips].
        corpus: str [clips].
        speaker: str [clips], without the corpus.
        speaker_known: bool [clips].
        emotion: str [clips], the acted emotion.
        sentence: str [clips]; empty where unknown.
        sex: str [clips]; empty where unknown.
        seconds: float64 [clips].
        votes: int64 [clips, emotions] in the order of `EMOTIONS`; zeros where there are no votes.
    """

    split: np.ndarray
    place: np.ndarray
    name: np.ndarray
    corpus: np.ndarray
    speaker: np.ndarray
    speaker_known: np.ndarray
    emotion: np.ndarray
    sentence: np.ndarray
    sex: np.ndarray
    seconds: np.ndarray
    votes: np.ndarray

    def __len__(self) -> int:
        return len(self.name)

    def where(self, mask: np.ndarray) -> "ClipTable":
        """The rows for which a bool [clips] is true."""
        return ClipTable(**{field.name: getattr(self, field.name)[mask] for field in fields(self)})

    @property
    def emotions(self) -> tuple[str, ...]:
        """Those that occur, in the order of `EMOTIONS`."""
        found = set(self.emotion)
        return tuple(str(emotion) for emotion in EMOTIONS if emotion in found)

    @property
    def corpora(self) -> tuple[str, ...]:
        """Those that occur, sorted."""
        return tuple(map(str, np.unique(self.corpus)))

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that occur, in the order of `SPLITS`."""
        found = set(self.split)
        return tuple(split for split in SPLITS if split in found)

    @property
    def speakers(self) -> int:
        """Number of known speakers."""
        return len(np.unique(self.speaker_ids[self.speaker_known]))

    @property
    def speaker_ids(self) -> np.ndarray:
        """The speaker of each clip as `corpus/speaker`; str [clips]. An unknown speaker has one clip."""
        return np.char.add(np.char.add(self.corpus, "/"), self.speaker)


def read_table(dataset: Dataset, splits: Iterable[str]) -> ClipTable:
    """Read the records of some splits; waveforms are not kept.

    Args:
        dataset: A prepared dataset.
        splits: Names of splits; one without clips adds nothing.

    Raises:
        UserError: If none of them has a clip.
    """
    tables = [
        _split_table(dataset, split) for split in splits if split in dataset.splits and dataset.splits[split].clips
    ]
    if not tables:
        raise UserError(f"{dataset.folder} has no clips to plot: its splits are {', '.join(dataset.splits) or 'empty'}")
    return ClipTable(
        **{field.name: np.concatenate([getattr(table, field.name) for table in tables]) for field in fields(ClipTable)}
    )


def read_waveforms(dataset: Dataset, table: ClipTable, rows: Sequence[int]) -> list[np.ndarray]:
    """Read the waveforms of a few clips.

    Args:
        dataset: The dataset that the table was read from.
        table: The table.
        rows: Numbers of the clips' rows in the table.

    Returns:
        float32 [samples] at 16 kHz, full scale ±1, for each row.
    """
    found: dict[tuple[str, int], np.ndarray] = {}
    for split in table.splits:
        places = sorted({int(table.place[row]) for row in rows if table.split[row] == split})
        if not places:
            continue
        shards = [str(dataset.folder / shard) for shard in dataset.splits[split].shards]
        wanted = tf.constant(places, tf.int64)
        records = (
            tf.data.TFRecordDataset(shards)
            .take(places[-1] + 1)
            .enumerate()
            .filter(lambda place, _, wanted=wanted: tf.reduce_any(wanted == place))
            .map(lambda place, record: (place, parse(record)["waveform"]))
        )
        with damage_named(dataset):
            found |= {(split, int(place)): waveform for place, waveform in records.as_numpy_iterator()}
    return [found[str(table.split[row]), int(table.place[row])] for row in rows]


def _split_table(dataset: Dataset, split: str) -> ClipTable:
    known = descriptions(dataset, split, Target(labels=EMOTIONS))
    clips = len(known["name"])
    # A speaker is called `corpus/speaker` there.
    speakers = [
        str(name)[len(str(corpus)) + 1 :] for name, corpus in zip(known["speaker"], known["corpus"], strict=True)
    ]
    return ClipTable(
        split=np.full(clips, split),
        place=np.arange(clips),
        name=known["name"],
        corpus=known["corpus"],
        speaker=np.array(speakers, dtype=np.str_),
        speaker_known=known["speaker_known"].astype(bool),
        emotion=known["emotion"],
        sentence=known["sentence"],
        sex=known["sex"],
        seconds=known["num_samples"] / SAMPLE_RATE,
        votes=known["votes"],
    )
