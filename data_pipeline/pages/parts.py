"""What a page is made of.

A piece of content is a string, which is shown as it is and never as markup, a part, or a tuple of pieces, which are
shown one after the other.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Union

from data_pipeline.emotion import Emotion
from data_pipeline.pages.wording import NOT_KNOWN

_NUMBER = re.compile(r"([\d(+−–<-]([^A-Za-z]|\b[A-Za-z]{1,4}\b)*)?")
"""Digits, signs, and words as short as units."""

Piece = Union[str, "Part", "tuple[Piece, ...]"]

_LONG = 24
"""Characters of a cell from which on its column keeps some width and breaks its lines."""


class Part:
    """Something that a page shows; the macro with the name of its class draws it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Text(Part):
    """A paragraph.

    Attributes:
        content: What it says.
        style: `quiet` for explanations in small print, `notice` for what a reader must not miss, `heading` within a
            section.
    """

    content: Piece
    style: Literal["", "quiet", "notice", "heading"] = ""


@dataclass(frozen=True, slots=True)
class Word(Part):
    """A word or a name within a text.

    Attributes:
        content: The word.
        style: `code` for names of files and clips, `bad` for what must be put right.
    """

    content: str
    style: Literal["strong", "bad", "code"]


@dataclass(frozen=True, slots=True)
class Value(Part):
    """A figure, with its interval or what else belongs to it in small print."""

    content: str
    detail: str


@dataclass(frozen=True, slots=True)
class Label(Part):
    """The name of an emotion beside its colour."""

    content: Emotion


@dataclass(frozen=True, slots=True)
class Fact(Part):
    """A name with its value.

    Attributes:
        name: What the value is.
        content: The value.
        detail: What belongs to it, in small print.
        bad: Whether it must be put right.
    """

    name: str
    content: str
    detail: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Facts(Part):
    """Facts side by side.

    Attributes:
        content: In their order.
        large: Whether these are the figures that the page is about.
    """

    content: Sequence[Fact]
    large: bool = True


@dataclass(frozen=True, slots=True)
class Table(Part):
    """Rows under a header; the first cell names its row.

    Attributes:
        name: What the table shows, for readers who cannot see it.
        header: A text for each column.
        rows: As many cells each.
        marked: Numbers of the rows that stand out, from 0.
        stacked: Whether a row becomes a block on a phone, instead of the table being scrolled sideways.
        sortable: Whether a heading sorts the rows.
    """

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Piece]]
    marked: Collection[int] = ()
    stacked: bool = False
    sortable: bool = False

    @property
    def kinds(self) -> list[str]:
        """The kind of each column: `number`, `long` for long texts, or empty for short texts and drawings."""
        return [_kind([row[column] for row in self.rows], column > 0) for column in range(len(self.header))]


def _kind(cells: Sequence[Piece], may_be_number: bool) -> str:
    texts = [cell.content if isinstance(cell, Value) else cell if isinstance(cell, str) else "?" for cell in cells]
    if may_be_number and all(_NUMBER.fullmatch(text.replace(NOT_KNOWN, "")) for text in texts):
        return "number"
    return "long" if any(len(text) > _LONG for text in texts) else ""


@dataclass(frozen=True, slots=True)
class Matrix(Part):
    """Counts of answers, each field shaded by its share of the row.

    Attributes:
        name: What the matrix shows.
        rows: What the rows are, such as `acted`.
        columns: What the columns are, such as `answered`.
        labels: Of the rows and of the columns.
        counts: Rows of numbers.
    """

    name: str
    rows: str
    columns: str
    labels: Sequence[str]
    counts: Sequence[Sequence[int]]

    @property
    def shares(self) -> list[list[float]]:
        """The share of each field in its row, between 0 and 1."""
        return [[count / max(1, sum(row)) for count in row] for row in self.counts]


@dataclass(frozen=True, slots=True)
class Plot(Part):
    """A figure on a page, perhaps also as a file beside it.

    Attributes:
        name: Unique on the page, and that of the file without its suffix.
        description: What the figure shows, for those who cannot see it.
        wide: An `<svg>` element for wide screens; empty where the narrow one is for all.
        narrow: An `<svg>` element for phones.
        png: The file's content; empty where there is no file.
    """

    name: str
    description: str
    wide: str
    narrow: str
    png: bytes = b""

    @property
    def file_name(self) -> str:
        """The file's name."""
        return f"{self.name}.png"


@dataclass(frozen=True, slots=True)
class Audio(Part):
    """Sound to be listened to.

    Attributes:
        wav: Content of a WAV file.
        description: What it is.
    """

    wav: bytes
    description: str


@dataclass(frozen=True, slots=True)
class Group(Part):
    """Parts that belong together.

    Attributes:
        content: The parts.
        style: `card` for a frame around them, `grid` for columns of equal width, `row` for parts side by side that are
            as wide as they have to be, `list` for a list with bullets.
    """

    content: Sequence[Piece]
    style: Literal["card", "grid", "row", "list"]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a heading.

    Attributes:
        title: The heading.
        content: What is below it; a string is a paragraph.
        link: What the page's contents call the section; the title by default.
    """

    title: str
    content: Sequence[Piece]
    link: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        title: What is shown.
        facts: Names and values, for the top of the page.
        notices: What a reader must know before any figure, a sentence each.
        sections: In their order.
        introduction: What is above the sections; a string is a paragraph.
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()
    notices: Sequence[str] = ()
    sections: Sequence[Section] = ()
    introduction: Sequence[Piece] = ()
