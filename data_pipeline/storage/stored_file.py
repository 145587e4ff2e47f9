"""A file wherever it lies, and what can be done with files there."""

import posixpath
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that a listing found.

    Attributes:
        location: A path of this machine or a URL; what `decode` opens.
        name: Its path below the folder that was listed, with `/` between parts.
        size: In bytes.
        changed: When it was last written or replaced, in nanoseconds since the epoch; 0 where the store does not say.
    """

    location: str
    name: str
    size: int
    changed: int

    @property
    def stem(self) -> str:
        """The last part of the name without its suffix."""
        return posixpath.splitext(posixpath.basename(self.name))[0]

    @property
    def suffix(self) -> str:
        """Of the name, in lower case, with its dot."""
        return posixpath.splitext(self.name)[1].lower()

    @property
    def folder(self) -> str:
        """The name without its last part; an empty string for a file directly in the folder that was listed."""
        return self.name.rpartition("/")[0]


class Storage(Protocol):
    """What a place for files can do. Every method raises `UserError` where the place refuses."""

    def kind(self, location: str) -> str:
        """What is there: `file`, `folder`, or an empty string for nothing."""

    def walk(self, folder: str, hidden: bool = False) -> list[StoredFile]:
        """Every file below a folder, sorted by name; none where there is no such folder. Links are followed.

        Without `hidden`, files and folders are passed over whose names begin with `.` or are `__MACOSX`.
        """

    def look_up(self, locations: Iterable[str]) -> dict[str, StoredFile]:
        """Those of the given files that exist, by location; each is named by its location's last part."""

    def read(self, location: str, at_most: int = -1) -> bytes:
        """A file's content, or no more than its first `at_most` bytes."""

    def replacing(self, location: str) -> AbstractContextManager[BinaryIO]:
        """A binary file to write to, which takes its place when the block ends and vanishes when it fails."""

    def move(self, locations: Mapping[str, str]) -> None:
        """Give files other places, each at once; what is at a new place already goes."""

    def delete(self, locations: Iterable[str]) -> None:
        """Remove files; those that are gone already are passed over."""

    def remove_folder(self, folder: str) -> None:
        """Remove a folder with everything in it; nothing happens if there is none."""

    def make_folder(self, folder: str) -> None:
        """Make a folder with its parents, where the place knows folders."""
