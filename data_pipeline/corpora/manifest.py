"""One's own recordings, listed in a CSV or JSON Lines file."""

import json
import math
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.corpora.given_splits import split_named
from data_pipeline.corpora.label_map import emotion_named
from data_pipeline.corpora.manifest_rows import JSON_LINES, Row, read_rows
from data_pipeline.emotion import EMOTIONS, Emotion
from data_pipeline.errors import SetAside, UserError
from data_pipeline.splits import SPLITS, SplitName
from data_pipeline.storage import is_remote, storage_for
from data_pipeline.storage.stored_file import StoredFile

SUFFIXES = (".csv", ".tsv", *JSON_LINES)
"""Of files that are taken for manifests where nobody says what they are."""

_SEXES = {"female": "female", "f": "female", "woman": "female", "male": "male", "m": "male", "man": "male"}

_MOST_VOTES = 1_000_000
"""Listeners of one clip; more is a slip of the pen."""

_OLDEST = 120
"""Years; more is no age."""


class Manifest(Corpus):
    """A clip a line: its file, emotion and speaker, and what else is known of it."""

    name = "manifest"
    title = "Your own recordings, listed in a CSV or JSON Lines file"
    size = "your own"
    speakers = "your own"
    language = "your own"
    emotions = EMOTIONS
    licence = "your own"
    url = ""
    acted = False

    def read(self, source: str) -> Listing:
        """Every line that can be used; the others are set aside with their numbers and reasons.

        `docs/corpora.md` describes the columns. Relative paths start from the manifest's folder. A clip that has no
        `name` is called by its path without the suffix, with `#start-end` where it is a part of its file. Clips of one
        file whose speaker is not named count as of one speaker.

        Args:
            source: The manifest. A suffix `.jsonl` or `.ndjson` means JSON Lines, any other a table with commas,
                semicolons or tabs between its cells.

        Raises:
            UserError: If the manifest is missing, is not text of its kind, lacks a column, has no line that can be
                used, puts a speaker in two splits or, where it states splits at all, in none.
        """
        storage = storage_for(source)
        kind = storage.kind(source)
        if kind != "file":
            raise UserError(f"{source} {'is a folder' if kind else 'does not exist'}: give a CSV or JSON Lines file")
        splits = _SpeakerSplits(source)
        described, unclear = _describe_all(source, read_rows(source, storage.read(source)), splits)
        clips, unmatched = _match(described, splits)
        flaws = sorted(unclear + unmatched)
        if not clips:
            reason = f"line {flaws[0][0]} {flaws[0][1]}" if flaws else "it has no line below the first"
            raise UserError(f"{source} lists no clip that can be used: {reason}")
        manifest = source.rpartition("/")[2]
        return Listing(
            tuple(sorted(clips, key=lambda clip: clip.name)),
            set_aside=tuple(SetAside(f"{manifest} line {line}", reason) for line, reason in flaws),
        )


class _Flaw(Exception):
    """What keeps a line from being a clip, worded to follow the line's number."""


class _SpeakerSplits:
    """The splits of a manifest's split column.

    Every line counts, whether or not its file exists: a speaker's split does not change when a file goes.
    """

    def __init__(self, manifest: str) -> None:
        self._manifest = manifest
        self._of: dict[str, tuple[SplitName, int]] = {}
        self._used = False

    def note(self, row: Row) -> None:
        """Remember the split that a line names.

        Raises:
            UserError: If another line puts the speaker, or the file whose speaker is not named, in another split.
            _Flaw: If there is no such split.
        """
        split = _split(row)
        if split is None:
            return
        self._used = True
        if speaker := _speaker(row):
            first, line = self._of.setdefault(speaker, (split, row.line))
            if first != split:
                if "speaker" in row.cells:
                    whom, remedy = f"the speaker {_quoted(speaker)}", "give every speaker one"
                else:
                    whom = f"the file {_quoted(row.cells['path'])}, whose speaker is not named,"
                    remedy = "give it one, or fill in the column speaker"
                raise UserError(
                    f"{self._manifest} puts {whom} in two splits, {first} in line {line} and {split} in line "
                    f"{row.line}: {remedy}"
                )

    def of(self, clip: Clip, line: int) -> SplitName | None:
        """The split that a clip's own line or another one of its speaker's names.

        Args:
            clip: The clip.
            line: That tells of it, for the message.

        Raises:
            UserError: If there is none, and the manifest names splits for others.
        """
        split = clip.split or self._of.get(clip.speaker, (None, 0))[0]
        if split is None and self._used:
            whom = f"the speaker {_quoted(clip.speaker)}" if clip.speaker_known else "a clip without a speaker"
            raise UserError(
                f"{self._manifest} names no split for {whom} (line {line}): "
                "fill in the split column there, or leave it empty throughout"
            )
        return split


def _describe_all(
    manifest: str, rows: Iterable[Row], splits: _SpeakerSplits
) -> tuple[list[tuple[int, Clip]], list[tuple[int, str]]]:
    """The clips that the lines tell of, and what is wrong with the others; each with its line."""
    described = []
    flaws = []
    for row in rows:
        try:
            splits.note(row)
            described.append((row.line, _describe(row, manifest)))
        except _Flaw as flaw:
            flaws.append((row.line, str(flaw)))
    return described, flaws


def _match(described: Sequence[tuple[int, Clip]], splits: _SpeakerSplits) -> tuple[list[Clip], list[tuple[int, str]]]:
    """The clips with their files and splits, each name once, and what is wrong with the others."""
    files = _look_up(clip.file.location for _, clip in described)
    first_line: dict[str, int] = {}
    clips = []
    flaws = []
    for line, clip in described:
        try:
            file = _found(clip, files)
            _check_name(clip, first_line.setdefault(clip.name, line), line)
        except _Flaw as flaw:
            flaws.append((line, str(flaw)))
        else:
            clips.append(replace(clip, file=file, split=splits.of(clip, line)))
    return clips, flaws


def _describe(row: Row, manifest: str) -> Clip:
    """The clip that a line tells of; whether there is such a file is not known yet."""
    if row.flaw:
        raise _Flaw(row.flaw)
    cells = row.cells
    path, speaker = _path(row), _speaker(row)
    if path is None or speaker is None:
        raise _Flaw("names no file: fill in the column path")
    start, end = _seconds(cells, "start") or 0.0, _seconds(cells, "end")
    if end is not None and start >= end:
        raise _Flaw(f"ends at {end:.12g} s, which is not after its start at {start:.12g} s")
    name = cells.get("name") or _default_name(path, start, end)
    age = _whole(cells["age"], _OLDEST) if "age" in cells else None
    if "age" in cells and age is None:
        raise _Flaw(f"gives the age {_quoted(cells['age'])}: write years as a whole number, or nothing")
    return Clip(
        file=StoredFile(_locate(path, manifest), path, size=0, changed=0),
        name=name,
        corpus=Manifest.name,
        speaker=speaker,
        emotion=_emotion(cells.get("emotion")),
        votes=_votes(cells["votes"]) if "votes" in cells else None,
        intensity=cells.get("intensity", ""),
        sentence=cells.get("sentence", ""),
        repetition=cells.get("repetition", ""),
        sex=_SEXES.get(cells.get("sex", "").lower(), ""),
        age=age,
        start=start,
        end=end,
        split=_split(row),
        speaker_known="speaker" in cells,
    )


def _path(row: Row) -> str | None:
    """The file that a line names, in its shortest form."""
    path = row.cells.get("path")
    return path if path is None or is_remote(path) else posixpath.normpath(path)


def _speaker(row: Row) -> str | None:
    """Who speaks; where nobody says, whoever speaks in the file, so that its parts keep to one split."""
    path = _path(row)
    return row.cells.get("speaker") or (path and f"unknown/{path}")


def _found(clip: Clip, files: Mapping[str, StoredFile]) -> StoredFile:
    """A clip's file, named as the manifest names it."""
    file = files.get(clip.file.location)
    if file is None:
        raise _Flaw(f"names {_quoted(clip.file.name)}, where there is no file")
    return StoredFile(file.location, clip.file.name, file.size, file.changed)


def _check_name(clip: Clip, first: int, line: int) -> None:
    if first != line:
        raise _Flaw(
            f"names the clip {_quoted(clip.name)} again, as line {first} does: remove it, or fill in the column name"
        )


def _look_up(locations: Iterable[str]) -> dict[str, StoredFile]:
    """Those files that exist, by location, with one question to each kind of storage."""
    found: dict[str, StoredFile] = {}
    for _, group in groupby(sorted(set(locations), key=_scheme), key=_scheme):
        together = list(group)
        found |= storage_for(together[0]).look_up(together)
    return found


def _scheme(location: str) -> str:
    return location.partition("://")[0] if is_remote(location) else ""


def _locate(path: str, manifest: str) -> str:
    """Where a file lies that a manifest names."""
    if is_remote(path) or posixpath.isabs(path):
        return path
    if not is_remote(manifest):
        return posixpath.join(posixpath.dirname(manifest), path)
    scheme, _, place = manifest.partition("://")
    return f"{scheme}://{posixpath.normpath(posixpath.join(posixpath.dirname(place), path))}"


def _default_name(path: str, start: float, end: float | None) -> str:
    name = posixpath.splitext(path)[0]
    if not start and end is None:
        return name
    return f"{name}#{start:.12g}-{'' if end is None else format(end, '.12g')}"


def _emotion(word: str | None) -> Emotion:
    if word is None:
        raise _Flaw("names no emotion: fill in the column emotion")
    emotion = emotion_named(word)
    if emotion is None:
        raise _Flaw(f"names the emotion {_quoted(word)}, which is none of {', '.join(EMOTIONS)}")
    return emotion


def _split(row: Row) -> SplitName | None:
    word = row.cells.get("split")
    if word is None:
        return None
    split = split_named(word)
    if split is None:
        raise _Flaw(f"names the split {_quoted(word)}, which is none of {', '.join(SPLITS)}")
    return split


def _seconds(cells: dict[str, str], column: str) -> float | None:
    if column not in cells:
        return None
    try:
        seconds = float(cells[column])
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise _Flaw(f"gives the {column} {_quoted(cells[column])}, which is no number of seconds: write it as 1.25")
    return seconds


def _whole(text: str, most: int) -> int | None:
    """A whole number from 0, also where a table of floats has made `34.0` of it."""
    match = re.fullmatch(r"(\d{1,9})(?:\.0*)?", text, re.ASCII)
    return int(match[1]) if match and int(match[1]) <= most else None


def _votes(text: str) -> dict[Emotion, int] | None:
    """Votes from a JSON object, or from words as `anger:3 neutral:1`; those for the same emotion are added up."""
    read: Callable[[str], Iterable[tuple[str, str]]] = _json_votes if text.startswith("{") else _word_votes
    votes: dict[Emotion, int] = {}
    for word, number in read(text):
        emotion, count = emotion_named(word), _whole(number, _MOST_VOTES)
        if emotion is None or count is None:
            raise _Flaw(f"has the votes {_quoted(text)}: write emotions with counts, as anger:3 neutral:1")
        votes[emotion] = votes.get(emotion, 0) + count
    return votes or None


def _json_votes(text: str) -> Iterable[tuple[str, str]]:
    try:
        return [(word, str(number)) for word, number in json.loads(text).items()]
    except (ValueError, RecursionError) as error:
        raise _Flaw(f"has the votes {_quoted(text)}, which are no JSON object") from error


def _word_votes(text: str) -> Iterable[tuple[str, str]]:
    for vote in re.split(r"[\s,;]+", text):
        word, _, number = vote.partition(":")
        yield word, number


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
