"""What is known of every clip of a dataset, as columns to count and group by; waveforms only of those asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import tensorflow as tf

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.dataset import Dataset
from data_pipeline.emotion import EMOTIONS
from data_pipeline.errors import UserError
from data_pipeline.input_pipeline import descriptions
from data_pipeline.records.parsing import parse
from data_pipeline.splits import SPLITS
from data_pipeline.targets import Target


@dataclass(frozen=True, slots=True, eq=False)
class ClipTable:
    """A row a clip, in the order of the records, one side after the other.

    Attributes:
        side: str [clips].
        place: int [clips], the clip's place among the records of its side.
        name: str [clips].
        corpus: str [clips].
        speaker: str [clips], without the corpus.
        speaker_known: bool [clips].
        emotion: str [clips], as acted.
        sentence: str [clips]; empty where unknown.
        sex: str [clips]; empty where unknown.
        seconds: float64 [clips].
        votes: int64 [clips, emotions] in the order of `EMOTIONS`; zeros where nobody was asked.
    """

    side: np.ndarray
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
        """The rows for which a bool [clips] holds."""
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
    def sides(self) -> tuple[str, ...]:
        """Those that occur, in the order of `SPLITS`."""
        found = set(self.side)
        return tuple(side for side in SPLITS if side in found)

    @property
    def speakers(self) -> int:
        """How many people are known to speak."""
        return len(np.unique(self.speaker_ids[self.speaker_known]))

    @property
    def speaker_ids(self) -> np.ndarray:
        """Who speaks, as `corpus/speaker`; str [clips]. An unknown speaker has one clip only."""
        return np.char.add(np.char.add(self.corpus, "/"), self.speaker)


def read_table(dataset: Dataset, sides: Iterable[str]) -> ClipTable:
    """Go through the records of some sides; waveforms are not kept.

    Args:
        dataset: A prepared dataset.
        sides: Names of sides; one without clips adds nothing.

    Raises:
        UserError: If none of them has a clip.
    """
    tables = [_side_table(dataset, side) for side in sides if side in dataset.splits and dataset.splits[side].clips]
    if not tables:
        raise UserError(f"{dataset.folder} has no clips to plot: its sides are {', '.join(dataset.splits) or 'empty'}")
    return ClipTable(
        **{field.name: np.concatenate([getattr(table, field.name) for table in tables]) for field in fields(ClipTable)}
    )


def read_waveforms(dataset: Dataset, table: ClipTable, rows: Sequence[int]) -> list[np.ndarray]:
    """The waveforms of a few clips.

    Args:
        dataset: That the table was read from.
        table: See `read_table`.
        rows: Of the table.

    Returns:
        float32 [samples] at 16 kHz, full scale ±1, for each of the rows.
    """
    found: dict[tuple[str, int], np.ndarray] = {}
    for side in table.sides:
        places = sorted({int(table.place[row]) for row in rows if table.side[row] == side})
        if not places:
            continue
        shards = [str(dataset.folder / shard) for shard in dataset.splits[side].shards]
        wanted = tf.constant(places, tf.int64)
        records = (
            tf.data.TFRecordDataset(shards)
            .take(places[-1] + 1)
            .enumerate()
            .filter(lambda place, _, wanted=wanted: tf.reduce_any(wanted == place))
            .map(lambda place, record: (place, parse(record)["waveform"]))
        )
        found |= {(side, int(place)): waveform for place, waveform in records.as_numpy_iterator()}
    return [found[str(table.side[row]), int(table.place[row])] for row in rows]


def _side_table(dataset: Dataset, side: str) -> ClipTable:
    known = descriptions(dataset, side, Target(labels=EMOTIONS))
    clips = len(known["name"])
    # A speaker is called `corpus/speaker` there.
    speakers = [
        str(name)[len(str(corpus)) + 1 :] for name, corpus in zip(known["speaker"], known["corpus"], strict=True)
    ]
    return ClipTable(
        side=np.full(clips, side),
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
