"""CREMA-D: the Crowd-sourced Emotional Multimodal Actors Dataset (Cao et al., IEEE T-AFFC 5(4), 2014)."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.clip import Clip
from data_pipeline.corpora.codes import EMOTIONS, LEVELS
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.emotion import Emotion
from data_pipeline.errors import UserError
from data_pipeline.splits import Side

_ACTORS = tuple(str(actor) for actor in range(1001, 1092))

# Some mirrors still carry the old name 1040_ITH_SAD_X of 1040_ITH_SAD_XX.
_STEM = re.compile(r"(?P<actor>10\d\d)_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<intensity>LO|MD|HI|XX?)")

_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
"""Of a clip that is there twice, the earlier one is taken."""

_AUDIO_FOLDERS = ("AudioWAV", "AudioMP3")


class CremaD(Corpus):
    """12 sentences in 6 emotions by 91 actors, 7,442 clips, each rated by about ten listeners."""

    name = "crema_d"
    title = "CREMA-D, Crowd-sourced Emotional Multimodal Actors Dataset"
    speakers = "91 actors"
    licence = "Open Database License 1.0"
    url = "https://github.com/CheyneyComputerScience/CREMA-D"

    def clips(self, source: Path) -> list[Clip]:
        """See `Corpus.clips`.

        Clips are files with official names (`1001_IEO_NEU_XX.wav`; WAV, FLAC, Ogg or MP3) in `source`, or in
        `AudioWAV/` or `AudioMP3/` below it. `processedResults/tabulatedVotes.csv` and `VideoDemographics.csv`
        add votes and demographics where they are in `source`, or beside it when it is one of those audio
        folders.

        Raises:
            UserError: If `source` is missing, is not a folder, or holds no such file; if a table cannot be
                read.
        """
        expected = "give the folder that holds CREMA-D's clips, or its AudioWAV/ or AudioMP3/"
        if not source.exists():
            raise UserError(f"{source} does not exist: {expected}")
        if not source.is_dir():
            raise UserError(f"{source} is not a folder: {expected}")
        files = _audio_files(source)
        if not files:
            raise UserError(f"{source} holds no CREMA-D clip (as 1001_IEO_NEU_XX.wav or .mp3): {expected}")
        homes = [source, source.parent] if source.resolve().name in _AUDIO_FOLDERS else [source]
        votes = _read_votes(homes)
        actors = _read_actors(homes)
        return [_clip(files[name], name, votes, actors) for name in sorted(files)]

    def sides(self, speakers: Iterable[str]) -> dict[str, Side]:
        """The split of the `crema_d` builder in tensorflow_datasets: 63, 9 and 19 of the 91 actors.

        An actor's side does not depend on who else is on disk.

        Args:
            speakers: Ids of actors, `1001` to `1091`.

        Returns:
            The side of each.
        """
        # `_get_inter_splits_by_group` in tensorflow_datasets/audio/crema_d.py: the sorted ids shuffled by
        # RandomState(0) and cut at int(0.7 * 91) and int(0.8 * 91).
        order = list(_ACTORS)
        np.random.RandomState(0).shuffle(order)
        side_of: dict[str, Side] = dict.fromkeys(order[:63], "train")
        side_of |= dict.fromkeys(order[63:72], "validation")
        side_of |= dict.fromkeys(order[72:], "test")
        return {speaker: side_of[speaker] for speaker in speakers}


@dataclass(frozen=True, slots=True)
class _Actor:
    sex: str = ""
    age: int | None = None
    race: str = ""
    ethnicity: str = ""


def _audio_files(source: Path) -> dict[str, Path]:
    """The file of each clip, by the clip's normalised name."""
    folders = [source, *(source / name for name in _AUDIO_FOLDERS if (source / name).is_dir())]
    candidates = (
        (name, _SUFFIXES.index(path.suffix.lower()), number, path)
        for number, folder in enumerate(folders)
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and (name := _official_name(path.stem)) and path.is_file()
    )
    # Of two files of one clip the preferred one sorts first. In reverse order it comes last, and the last entry stays.
    return {name: path for name, _, _, path in sorted(candidates, reverse=True)}


def _official_name(stem: str) -> str | None:
    match = _STEM.fullmatch(stem)
    if match is None or match["actor"] not in _ACTORS or match["emotion"] not in EMOTIONS:
        return None
    return stem + "X" if match["intensity"] == "X" else stem


def _clip(path: Path, name: str, votes: dict[str, dict[Emotion, int]], actors: dict[str, _Actor]) -> Clip:
    speaker, sentence, emotion, intensity = name.split("_")
    actor = actors.get(speaker, _Actor())
    return Clip(
        path=path,
        name=name,
        corpus=CremaD.name,
        speaker=speaker,
        emotion=EMOTIONS[emotion],
        votes=votes.get(name),
        intensity=LEVELS[intensity],
        sentence=sentence,
        sex=actor.sex,
        age=actor.age,
        race=actor.race,
        ethnicity=actor.ethnicity,
    )


def _read_votes(homes: list[Path]) -> dict[str, dict[Emotion, int]]:
    """Votes on the voice alone, by clip.

    The table's first column numbers its rows from 100001 for the voice alone, from 200001 for the face alone
    and from 300001 for both: the winners of the first series are `VoiceVote` in `summaryTable.csv` for all
    7,442 clips.
    """
    table = _find(homes, "processedResults/tabulatedVotes.csv")
    if table is None:
        return {}
    columns = {emotion.value[0].upper(): emotion for emotion in Emotion}
    try:
        return {
            row["fileName"]: {emotion: int(row[column]) for column, emotion in columns.items()}
            for row in _rows(table)
            if row[""].startswith("1")
        }
    except (csv.Error, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _broken(table, error) from error


def _read_actors(homes: list[Path]) -> dict[str, _Actor]:
    table = _find(homes, "VideoDemographics.csv")
    if table is None:
        return {}
    try:
        return {
            row["ActorID"]: _Actor(
                sex=row["Sex"].lower(), age=int(row["Age"]), race=row["Race"], ethnicity=row["Ethnicity"]
            )
            for row in _rows(table)
        }
    except (csv.Error, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _broken(table, error) from error


def _find(homes: list[Path], table: str) -> Path | None:
    return next((home / table for home in homes if (home / table).is_file()), None)


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def _broken(table: Path, error: Exception) -> UserError:
    return UserError(
        f"{table} is not CREMA-D's table ({type(error).__name__}: {error}): put the original in its place, "
        "or move it away to go on without it"
    )
