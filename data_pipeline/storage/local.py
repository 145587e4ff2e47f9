"""Files on this machine."""

import contextlib
import functools
import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing
from data_pipeline.storage.stored_file import StoredFile

UNREADABLE_BYTE = "\N{REPLACEMENT CHARACTER}"
"""Character that, with two hexadecimal digits after it, stands for a byte of a name that is not UTF-8."""


class LocalStorage:
    """Files on this machine; `Storage` describes the methods."""

    def kind(self, location: str) -> str:
        """See `Storage`."""
        path = Path(location)
        return "folder" if path.is_dir() else "file" if path.exists() else ""

    def walk(self, folder: str, hidden: bool = False) -> list[StoredFile]:
        """See `Storage`; a folder that links lead to twice is listed once.

        A name that is not UTF-8 is listed in characters that can be printed and stored (`UNREADABLE_BYTE`). Nothing can
        be read under that name; the decoder reports it.
        """
        files: list[StoredFile] = []
        if not Path(folder).is_dir():
            return files
        try:
            _walk(folder, "", hidden, set(), files)
        except OSError as error:
            raise UserError(f"{error.filename} cannot be read ({error.strerror}): check who may read it") from error
        return sorted(files, key=lambda file: file.name)

    def look_up(self, locations: Iterable[str]) -> dict[str, StoredFile]:
        """See `Storage`."""
        found = {}
        entries = functools.cache(_entries)
        for location in locations:
            # A file with an impossible name does not exist.
            with contextlib.suppress(OSError, ValueError):
                path = _as_on_disk(Path(location), entries)
                status = path.stat()
                if not stat.S_ISDIR(status.st_mode):
                    there = location if path == Path(location) else str(path)
                    found[location] = StoredFile(there, path.name, status.st_size, status.st_ctime_ns)
        return found

    def read(self, location: str, at_most: int = -1) -> bytes:
        """See `Storage`."""
        try:
            with Path(location).open("rb") as file:
                return file.read(at_most)
        except OSError as error:
            raise UserError(f"{location} cannot be read ({error.strerror}): check that it is there") from error

    @contextlib.contextmanager
    def replacing(self, location: str) -> Iterator[BinaryIO]:
        """See `Storage`."""
        with replacing(Path(location)) as part, part.open("wb") as file:
            yield file

    def move(self, locations: Mapping[str, str]) -> None:
        """See `Storage`."""
        for old, new in locations.items():
            try:
                Path(old).replace(new)
            except OSError as error:
                raise UserError(f"{old} cannot be moved to {new} ({error.strerror}): check who may") from error

    def delete(self, locations: Iterable[str]) -> None:
        """See `Storage`."""
        for location in locations:
            try:
                Path(location).unlink(missing_ok=True)
            except OSError as error:
                raise UserError(f"{location} cannot be deleted ({error.strerror}): check who may") from error

    def remove_folder(self, folder: str) -> None:
        """See `Storage`."""
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise UserError(f"{folder} cannot be deleted ({error.strerror}): check who may") from error

    def make_folder(self, folder: str) -> None:
        """See `Storage`."""
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{folder} cannot be made ({error.strerror}): choose another place") from error


def _as_on_disk(path: Path, entries: Callable[[Path], Mapping[str, str]]) -> Path:
    """A path in the code points that the disk has for it; part by part, since folders may come from other machines.

    Args:
        path: A path in any normal form.
        entries: `_entries`, whose answers may be remembered.
    """
    if str(path).isascii() or path.exists() or path == path.parent:
        return path
    folder = _as_on_disk(path.parent, entries)
    return folder / entries(folder).get(unicodedata.normalize("NFC", path.name), path.name)


def _entries(folder: Path) -> dict[str, str]:
    """The names in a folder, by their normal form C."""
    return {unicodedata.normalize("NFC", entry.name): entry.name for entry in os.scandir(folder)}


def _walk(folder: str, prefix: str, hidden: bool, seen: set[tuple[int, int]], files: list[StoredFile]) -> None:
    status = Path(folder).stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if not hidden and (entry.name.startswith(".") or entry.name == "__MACOSX"):
            continue
        name = prefix + entry.name
        if entry.is_dir():
            _walk(entry.path, f"{name}/", hidden, seen, files)
        else:
            # A file may be deleted while its folder is listed. A broken link is listed; the decoder reports that it
            # cannot be read.
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=entry.is_file())
                shown = name if name.isascii() else _printable(name)
                location = entry.path if shown == name else entry.path.removesuffix(name) + shown
                files.append(StoredFile(location, shown, status.st_size, status.st_ctime_ns))


def _printable(name: str) -> str:
    """A name without the surrogates that stand for bytes that are not UTF-8 (PEP 383); text may not hold them."""
    return re.sub("[\udc80-\udcff]", lambda byte: f"{UNREADABLE_BYTE}{ord(byte[0]) - 0xDC00:02x}", name)
