"""The text of a manifest as rows of named cells; `manifest_cells` says what they mean."""

import csv
import io
import json
import math
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from data_pipeline.corpora.unnamed_speaker import NO_VALUE
from data_pipeline.errors import UserError

JSON_LINES = (".jsonl", ".ndjson")
"""Suffixes of manifests with one JSON object per line; every other manifest is a table."""

REQUIRED = ("path", "emotion", "speaker")
"""Columns that every manifest must have; cells of `speaker` may be empty."""

OPTIONAL = ("start", "end", "track", "split", "votes", "sex", "age", "sentence", "intensity", "repetition", "name")
"""Columns that a manifest may have; any other column is ignored."""

_COLUMNS = frozenset(REQUIRED + OPTIONAL)

_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manifest.

    Attributes:
        line: Number of the line, from 1; of the first line where a row takes several.
        cells: Text by column in Unicode's normal form C, of the columns of `REQUIRED` and `OPTIONAL` that are not
            empty; a speaker named by one of `NO_VALUE` is an empty cell.
        flaw: Why the line cannot be read, or an empty string.
    """

    line: int
    cells: dict[str, str] = field(default_factory=dict)
    flaw: str = ""


def read_rows(manifest: str, content: bytes) -> Iterator[Row]:
    """Yield the rows of a manifest; empty lines are skipped.

    Args:
        manifest: Location of the manifest; its suffix tells JSON Lines from a table.
        content: Content of the manifest: UTF-8, with or without a byte order mark.

    Raises:
        UserError: If the text is not UTF-8, the table cannot be parsed, or a required column is missing; raised while
            the rows are read.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{manifest} line {line} is not UTF-8 text: save the file as UTF-8") from error
    return _objects(manifest, text) if manifest.lower().endswith(JSON_LINES) else _table(manifest, text)


def _table(manifest: str, text: str) -> Iterator[Row]:
    # Unbalanced quotes are an error: what follows a stray quote would be taken for part of its cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    columns: list[str] = []
    start = 1
    try:
        for values in reader:
            line, start = start, reader.line_num + 1
            if not any(value.strip() for value in values):
                continue
            if not columns:
                columns = _columns(manifest, values)
            elif len(values) > len(columns):
                yield Row(line, flaw=f"has {len(values)} cells under {len(columns)} columns: quote cells with commas")
            else:
                yield Row(line, _filled(zip(columns, map(str.strip, values), strict=False)))
    except csv.Error as error:
        raise UserError(f"{manifest} cannot be read from line {start} on ({error}): mend its quotes") from error
    if not columns:
        _require(manifest, set())


def _delimiter(text: str) -> str:
    """The delimiter that divides the first line into the most known columns."""
    header = text.lstrip().partition("\n")[0].lower()

    def known(delimiter: str) -> int:
        return len(_COLUMNS.intersection(cell.strip(' "\r') for cell in header.split(delimiter)))

    return max(_DELIMITERS, key=known)


def _columns(manifest: str, header: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in header]
    _require(manifest, set(columns))
    for column in columns:
        if column in _COLUMNS and columns.count(column) > 1:
            raise UserError(f"{manifest} has the column {column} twice: rename or remove one")
    return columns


def _objects(manifest: str, text: str) -> Iterator[Row]:
    seen: set[str] = set()
    # `str.splitlines` also splits at characters that JSON text may hold.
    for line, record in enumerate(text.split("\n"), start=1):
        if not record.strip():
            continue
        try:
            cells = _cells(json.loads(record))
        except (ValueError, RecursionError) as error:
            yield Row(line, flaw=str(error) if isinstance(error, _Unreadable) else "is no JSON object")
            continue
        seen.update(cells)
        yield Row(line, _filled(cells.items()))
    _require(manifest, seen)


def _filled(cells: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The cells that are not empty, of the columns of a manifest."""
    # The same word may be written with other code points in another line, as file systems and editors like it.
    return {
        column: unicodedata.normalize("NFC", value)
        for column, value in cells
        if value and column in _COLUMNS and not (column == "speaker" and value in NO_VALUE)
    }


class _Unreadable(ValueError):
    """A JSON value that is not a row."""


def _cells(record: object) -> dict[str, str]:
    if not isinstance(record, dict):
        raise _Unreadable("is no JSON object")
    cells = {}
    for name, value in record.items():
        column = name.strip().lower()
        if column not in _COLUMNS:
            continue
        if isinstance(value, bool | list) or (isinstance(value, dict) and column != "votes"):
            raise _Unreadable(f"gives {column} as {json.dumps(value)[:40]}: write text or a number")
        cells[column] = _text(value)
    return cells


def _text(value: str | float | dict | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = value.strip() if isinstance(value, str) else json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _Unreadable("holds half a character (a lone surrogate)") from error
    return text


def _require(manifest: str, columns: set[str]) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise UserError(
            f"{manifest} lacks {' and '.join(missing)}: a manifest has the columns {', '.join(REQUIRED)} "
            "(`speaker` may be left empty), named in its first line or, in JSON Lines, in every object"
        )
