"""A file in a storage, and the interface of a storage."""

import posixpath
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that a listing found.

    Attributes:
        location: A path on this machine or a URL, which `decode` opens.
        name: Path below the folder that was listed, with `/` between parts.
        size: Size in bytes.
        changed: Time of the last change in nanoseconds since the epoch; 0 where the store does not say.
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
        """The suffix of the name, in lower case, with its dot."""
        return posixpath.splitext(self.name)[1].lower()

    @property
    def folder(self) -> str:
        """The name without its last part; an empty string for a file directly in the folder that was listed."""
        return self.name.rpartition("/")[0]


class Storage(Protocol):
    """A place where files are kept. Every method raises `UserError` where it fails."""

    def kind(self, location: str) -> str:
        """What is at a location: `file`, `folder`, or an empty string for nothing."""

    def walk(self, folder: str, hidden: bool = False) -> list[StoredFile]:
        """Every file below a folder, sorted by name; none where there is no such folder. Links are followed.

        Without `hidden`, files and folders are skipped whose names begin with `.` or are `__MACOSX`.
        """

    def look_up(self, locations: Iterable[str]) -> dict[str, StoredFile]:
        """The files among these locations that exist, by location as asked; each is named by its last part.

        Where no file has that very name, one counts whose name differs in Unicode's normal form only (é as one
        character or as two): macOS and Linux write names in different forms.
        """

    def read(self, location: str, at_most: int = -1) -> bytes:
        """The content of a file, or its first `at_most` bytes."""

    def replacing(self, location: str) -> AbstractContextManager[BinaryIO]:
        """A binary file to write to; it gets its name when the block ends, and is deleted when the block fails."""

    def move(self, locations: Mapping[str, str]) -> None:
        """Move files from keys to values, each in one step; a file that is already there is replaced."""

    def delete(self, locations: Iterable[str]) -> None:
        """Delete files; missing ones are ignored."""

    def remove_folder(self, folder: str) -> None:
        """Delete a folder with everything in it; nothing happens if there is none."""

    def make_folder(self, folder: str) -> None:
        """Make a folder and its parents, where the storage has folders."""
