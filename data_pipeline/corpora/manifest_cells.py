"""What the cells of a manifest mean: emotions, splits, seconds, whole numbers, votes."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping

from data_pipeline.audio.track import TRACKS, Track
from data_pipeline.corpora.label_map import emotion_named
from data_pipeline.emotion import EMOTIONS, Emotion
from data_pipeline.splits import SPLITS, SplitName, split_named

SEXES = {"female": "female", "f": "female", "woman": "female", "male": "male", "m": "male", "man": "male"}

_MOST_VOTES = 1_000_000
"""Most listeners of one clip; a larger number is a slip of the pen."""

_OLDEST = 120
"""Greatest age in years."""


class Flaw(Exception):
    """The reason why a line cannot be a clip, worded to follow the line's number."""


def emotion_of(cells: Mapping[str, str]) -> Emotion:
    """The emotion of a line.

    Raises:
        Flaw: If there is none, or it is not known.
    """
    if "emotion" not in cells:
        raise Flaw("names no emotion: fill in the column emotion")
    emotion = emotion_named(cells["emotion"])
    if emotion is None:
        raise Flaw(f"names the emotion {quoted(cells['emotion'])}, which is none of {', '.join(EMOTIONS)}")
    return emotion


def split_of(cells: Mapping[str, str]) -> SplitName | None:
    """The split of a line, or None if it names none.

    Raises:
        Flaw: If there is no such split.
    """
    if "split" not in cells:
        return None
    split = split_named(cells["split"])
    if split is None:
        raise Flaw(f"names the split {quoted(cells['split'])}, which is none of {', '.join(SPLITS)}")
    return split


def track_of(cells: Mapping[str, str]) -> Track | None:
    """The channel of a line, or None if it names none.

    Raises:
        Flaw: If there is no such channel.
    """
    if "track" not in cells:
        return None
    track = next((track for track in TRACKS if track == cells["track"].lower()), None)
    if track is None:
        raise Flaw(f"names the track {quoted(cells['track'])}, which is none of {', '.join(TRACKS)}")
    return track


def seconds_of(cells: Mapping[str, str], column: str) -> float | None:
    """The seconds in a column (`start`, `end`), or None if the cell is empty.

    Raises:
        Flaw: If it is not a number of seconds.
    """
    if column not in cells:
        return None
    try:
        seconds = float(cells[column])
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise Flaw(f"gives the {column} {quoted(cells[column])}, which is no number of seconds: write it as 1.25")
    return seconds


def age_of(cells: Mapping[str, str]) -> int | None:
    """The age in years, or None if the cell is empty.

    Raises:
        Flaw: If it is not a whole number of years.
    """
    age = _whole(cells["age"], _OLDEST) if "age" in cells else None
    if "age" in cells and age is None:
        raise Flaw(f"gives the age {quoted(cells['age'])}: write years as a whole number, or nothing")
    return age


def votes_of(cells: Mapping[str, str]) -> dict[Emotion, int] | None:
    """The listeners' votes, or None if there are none; votes for the same emotion are added up.

    A cell is a JSON object, or words such as `anger:3 neutral:1`.

    Raises:
        Flaw: If the cell is neither.
    """
    if "votes" not in cells:
        return None
    text = cells["votes"]
    read: Callable[[str], Iterable[tuple[str, str]]] = _json_votes if text.startswith("{") else _word_votes
    votes: dict[Emotion, int] = {}
    for word, number in read(text):
        emotion, count = emotion_named(word), _whole(number, _MOST_VOTES)
        if emotion is None or count is None:
            raise Flaw(f"has the votes {quoted(text)}: write emotions with counts, as anger:3 neutral:1")
        votes[emotion] = votes.get(emotion, 0) + count
    return votes or None


def _json_votes(text: str) -> Iterable[tuple[str, str]]:
    try:
        return [(word, str(number)) for word, number in json.loads(text).items()]
    except (ValueError, RecursionError) as error:
        raise Flaw(f"has the votes {quoted(text)}, which are no JSON object") from error


def _word_votes(text: str) -> Iterable[tuple[str, str]]:
    for vote in re.split(r"[\s,;]+", text):
        word, _, number = vote.partition(":")
        yield word, number


def _whole(text: str, most: int) -> int | None:
    """A whole number from 0 to `most`; `34.0`, as a table of floats writes it, counts as 34."""
    match = re.fullmatch(r"(\d{1,9})(?:\.0*)?", text, re.ASCII)
    return int(match[1]) if match and int(match[1]) <= most else None


def quoted(text: str) -> str:
    """A text in quotes for messages, shortened to 60 characters."""
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
