"""The user's own recordings, listed in a CSV or JSON Lines file."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from data_pipeline.audio.track import Track
from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.corpora.manifest_cells import (
    SEXES,
    Flaw,
    age_of,
    emotion_of,
    quoted,
    seconds_of,
    split_of,
    track_of,
    votes_of,
)
from data_pipeline.corpora.manifest_rows import JSON_LINES, Row, read_rows
from data_pipeline.emotion import EMOTIONS
from data_pipeline.errors import SetAside, UserError
from data_pipeline.splits import SplitName
from data_pipeline.storage import is_remote, storage_for
from data_pipeline.storage.stored_file import StoredFile

SUFFIXES = (".csv", ".tsv", *JSON_LINES)
"""Suffixes of files that are taken for manifests where the user does not say what they are."""


class Manifest(Corpus):
    """One line per clip: its file, emotion and speaker, and what else is known of it."""

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
        """Read every line that can be used; the others are set aside with their numbers and reasons.

        `docs/corpora.md` describes the columns. Relative paths start from the manifest's folder. A clip without a
        `name` is named by its path without the suffix, with `@track` where it names one, and with `#start-end` where it
        is a part of its file. Clips of one file whose speaker is not named count as clips of one speaker.

        Args:
            source: The manifest. The suffixes `.jsonl` and `.ndjson` mean JSON Lines; any other means a table with
                commas, semicolons or tabs between its cells.

        Raises:
            UserError: If the manifest is missing, is not text of its kind, lacks a column, has no line that can be
                used, puts a speaker in two splits, or states splits for some speakers and not for others.
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


class _SpeakerSplits:
    """The split of each speaker, from the split column of a manifest.

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
            Flaw: If there is no such split.
        """
        split = split_of(row.cells)
        if split is None:
            return
        self._used = True
        if speaker := _speaker(row):
            first, line = self._of.setdefault(speaker, (split, row.line))
            if first != split:
                if "speaker" in row.cells:
                    whom, remedy = f"the speaker {quoted(speaker)}", "give every speaker one"
                else:
                    whom = f"the file {quoted(row.cells['path'])}, whose speaker is not named,"
                    remedy = "give it one, or fill in the column speaker"
                raise UserError(
                    f"{self._manifest} puts {whom} in two splits, {first} in line {line} and {split} in line "
                    f"{row.line}: {remedy}"
                )

    def of(self, clip: Clip, line: int) -> SplitName | None:
        """The split that a clip's own line names, or another line of its speaker.

        Args:
            clip: The clip.
            line: Number of its line, for the message.

        Raises:
            UserError: If no line names one, and the manifest names splits for other speakers.
        """
        split = clip.split or self._of.get(clip.speaker, (None, 0))[0]
        if split is None and self._used:
            whom = f"the speaker {quoted(clip.speaker)}" if clip.speaker_known else "a clip without a speaker"
            raise UserError(
                f"{self._manifest} names no split for {whom} (line {line}): "
                "fill in the split column there, or leave it empty throughout"
            )
        return split


def _describe_all(
    manifest: str, rows: Iterable[Row], splits: _SpeakerSplits
) -> tuple[list[tuple[int, Clip]], list[tuple[int, str]]]:
    """The clips that lines describe, and what is wrong with the other lines; each with the line's number."""
    described = []
    flaws = []
    for row in rows:
        try:
            splits.note(row)
            described.append((row.line, _describe(row, manifest)))
        except Flaw as flaw:
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
        except Flaw as flaw:
            flaws.append((line, str(flaw)))
        else:
            clips.append(replace(clip, file=file, split=splits.of(clip, line)))
    return clips, flaws


def _describe(row: Row, manifest: str) -> Clip:
    """The clip that a line describes; whether its file exists is not known yet."""
    if row.flaw:
        raise Flaw(row.flaw)
    cells = row.cells
    path, speaker = _path(row), _speaker(row)
    if path is None or speaker is None:
        raise Flaw("names no file: fill in the column path")
    start, end = seconds_of(cells, "start") or 0.0, seconds_of(cells, "end")
    if end is not None and start >= end:
        raise Flaw(f"ends at {end:.12g} s, which is not after its start at {start:.12g} s")
    track = track_of(cells)
    name = cells.get("name") or _default_name(path, start, end, track)
    return Clip(
        file=StoredFile(_locate(path, manifest), path, size=0, changed=0),
        name=name,
        corpus=Manifest.name,
        speaker=speaker,
        emotion=emotion_of(cells),
        votes=votes_of(cells),
        intensity=cells.get("intensity", ""),
        sentence=cells.get("sentence", ""),
        repetition=cells.get("repetition", ""),
        sex=SEXES.get(cells.get("sex", "").lower(), ""),
        age=age_of(cells),
        start=start,
        end=end,
        track=track,
        split=split_of(cells),
        speaker_known="speaker" in cells,
    )


def _path(row: Row) -> str | None:
    """The path that a line names, in its shortest form."""
    path = row.cells.get("path")
    return path if path is None or is_remote(path) else posixpath.normpath(path)


def _speaker(row: Row) -> str | None:
    """The speaker of a line. Where none is named, the file counts as one, so that its parts stay in one split."""
    path = _path(row)
    return row.cells.get("speaker") or (path and f"unknown/{path}")


def _found(clip: Clip, files: Mapping[str, StoredFile]) -> StoredFile:
    """The file of a clip, with the name that the manifest gives it."""
    file = files.get(clip.file.location)
    if file is None:
        raise Flaw(f"names {quoted(clip.file.name)}, where there is no file")
    return StoredFile(file.location, clip.file.name, file.size, file.changed)


def _check_name(clip: Clip, first: int, line: int) -> None:
    if first != line:
        raise Flaw(
            f"names the clip {quoted(clip.name)} again, as line {first} does: remove it, or fill in the column name"
        )


def _look_up(locations: Iterable[str]) -> dict[str, StoredFile]:
    """The files that exist, by location, with one request to each kind of storage."""
    found: dict[str, StoredFile] = {}
    for _, group in groupby(sorted(set(locations), key=_scheme), key=_scheme):
        together = list(group)
        found |= storage_for(together[0]).look_up(together)
    return found


def _scheme(location: str) -> str:
    return location.partition("://")[0] if is_remote(location) else ""


def _locate(path: str, manifest: str) -> str:
    """The location of a file that a manifest names."""
    if is_remote(path) or posixpath.isabs(path):
        return path
    if not is_remote(manifest):
        return posixpath.join(posixpath.dirname(manifest), path)
    scheme, _, place = manifest.partition("://")
    return f"{scheme}://{posixpath.normpath(posixpath.join(posixpath.dirname(place), path))}"


def _default_name(path: str, start: float, end: float | None, track: Track | None) -> str:
    name = posixpath.splitext(path)[0] + (f"@{track}" if track else "")
    if not start and end is None:
        return name
    return f"{name}#{start:.12g}-{'' if end is None else format(end, '.12g')}"
