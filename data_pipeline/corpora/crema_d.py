"""CREMA-D: the Crowd-sourced Emotional Multimodal Actors Dataset (Cao et al., IEEE T-AFFC 5(4), 2014)."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import FolderCorpus
from data_pipeline.corpora.label_map import LEVELS, emotions_of
from data_pipeline.emotion import LABELS, Emotion
from data_pipeline.errors import UserError
from data_pipeline.splits import SplitName
from data_pipeline.storage import join, storage_for
from data_pipeline.storage.stored_file import StoredFile

_ACTORS = tuple(str(actor) for actor in range(1001, 1092))

_EMOTIONS = emotions_of("crema_d")

# Some mirrors still carry the old name 1040_ITH_SAD_X of 1040_ITH_SAD_XX.
_STEM = re.compile(r"(?P<actor>10\d\d)_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<intensity>LO|MD|HI|XX?)")

_AUDIO_FOLDERS = ("AudioWAV", "AudioMP3")

_VOTES = "processedResults/tabulatedVotes.csv"
_DEMOGRAPHICS = "VideoDemographics.csv"


class CremaD(FolderCorpus):
    """12 sentences in 6 emotions by 91 actors, 7,442 clips, each rated by about ten listeners."""

    name = "crema_d"
    title = "CREMA-D, Crowd-sourced Emotional Multimodal Actors Dataset"
    size = "7,442 clips, 5.3 h"
    speakers = "91 actors (48 male, 43 female)"
    language = "English (North America)"
    licence = "Open Database License 1.0"
    url = "https://github.com/CheyneyComputerScience/CREMA-D"
    example = "1001_IEO_NEU_XX.wav"

    def describe(self, file: StoredFile) -> Clip | None:
        """See `FolderCorpus.describe`."""
        return _describe(file, {}, {})

    def describer(self, source: str, files: Sequence[StoredFile]) -> Callable[[StoredFile], Clip | None]:
        """See `FolderCorpus.describer`.

        `processedResults/tabulatedVotes.csv` and `VideoDemographics.csv` add votes and demographics. They are looked
        for in `source`, and beside it when it is one of the corpus's own audio folders.
        """
        votes = _read_votes(_find(source, files, _VOTES))
        actors = _read_actors(_find(source, files, _DEMOGRAPHICS))
        return lambda file: _describe(file, votes, actors)

    def speaker_splits(self, clips: Sequence[Clip]) -> dict[str, SplitName]:
        """The split of the `crema_d` builder in tensorflow_datasets: 63, 9 and 19 of the 91 actors.

        An actor's split does not depend on which other actors are on disk.

        Args:
            clips: The clips at hand.

        Returns:
            The split of each of their actors.
        """
        # `_get_inter_splits_by_group` in tensorflow_datasets/audio/crema_d.py: the sorted ids shuffled by
        # RandomState(0) and cut at int(0.7 * 91) and int(0.8 * 91).
        order = list(_ACTORS)
        np.random.RandomState(0).shuffle(order)
        split_of: dict[str, SplitName] = dict.fromkeys(order[:63], "train")
        split_of |= dict.fromkeys(order[63:72], "validation")
        split_of |= dict.fromkeys(order[72:], "test")
        return {clip.speaker: split_of[clip.speaker] for clip in clips}


@dataclass(frozen=True, slots=True)
class _Actor:
    sex: str = ""
    age: int | None = None
    race: str = ""
    ethnicity: str = ""


_UNKNOWN_ACTOR = _Actor()


def _describe(file: StoredFile, votes: Mapping[str, dict[Emotion, int]], actors: Mapping[str, _Actor]) -> Clip | None:
    stem = file.stem
    match = _STEM.fullmatch(stem)
    if match is None or match["actor"] not in _ACTORS or match["emotion"] not in _EMOTIONS:
        return None
    name = stem + "X" if match["intensity"] == "X" else stem
    actor = actors.get(match["actor"], _UNKNOWN_ACTOR)
    return Clip(
        file=file,
        name=name,
        corpus=CremaD.name,
        speaker=match["actor"],
        emotion=_EMOTIONS[match["emotion"]],
        votes=votes.get(name),
        intensity=LEVELS["XX" if match["intensity"] == "X" else match["intensity"]],
        sentence=match["sentence"],
        sex=actor.sex,
        age=actor.age,
        race=actor.race,
        ethnicity=actor.ethnicity,
    )


def _find(source: str, files: Sequence[StoredFile], table: str) -> str | None:
    """Location of a table: in the corpus's folder, or beside it when it is an audio folder."""
    for file in files:
        if file.name == table:
            return file.location
    parent, _, folder = source.rstrip("/").rpartition("/")
    beside = join(parent or ".", table)
    return beside if folder in _AUDIO_FOLDERS and storage_for(beside).kind(beside) == "file" else None


def _read_votes(table: str | None) -> dict[str, dict[Emotion, int]]:
    """Votes on the voice alone, by clip.

    The table's first column numbers its rows from 100001 for the voice alone, from 200001 for the face alone and from
    300001 for both. The winners of the first series equal `VoiceVote` in `summaryTable.csv` for all 7,442 clips.
    """
    if table is None:
        return {}
    columns = {emotion.value[0].upper(): emotion for emotion in LABELS}
    try:
        rows = _rows(table)
        header = next(rows)
        number, name = header.index(""), header.index("fileName")
        places = {emotion: header.index(column) for column, emotion in columns.items()}
        return {
            row[name]: {emotion: int(row[place]) for emotion, place in places.items()}
            for row in rows
            if row and row[number].startswith("1")
        }
    except (csv.Error, IndexError, StopIteration, ValueError) as error:
        raise _broken(table, error) from error


def _read_actors(table: str | None) -> dict[str, _Actor]:
    if table is None:
        return {}
    try:
        rows = _rows(table)
        header = next(rows)
        actor, sex, age, race, ethnicity = map(header.index, ("ActorID", "Sex", "Age", "Race", "Ethnicity"))
        return {
            row[actor]: _Actor(row[sex].lower(), int(row[age]), race=row[race], ethnicity=row[ethnicity])
            for row in rows
            if row
        }
    except (csv.Error, IndexError, StopIteration, ValueError) as error:
        raise _broken(table, error) from error


def _rows(table: str) -> Iterator[list[str]]:
    """The cells of a table, row by row: two thirds of the rows of votes are not needed and are not held in memory."""
    text = storage_for(table).read(table).decode("utf-8-sig")
    return csv.reader(io.StringIO(text, newline=""))


def _broken(table: str, error: Exception) -> UserError:
    return UserError(
        f"{table} is not CREMA-D's table ({type(error).__name__}: {error}): put the original in its place, "
        "or move it away to go on without it"
    )
