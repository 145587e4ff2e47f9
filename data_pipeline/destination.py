"""The folder that a dataset is written to: claimed for one run, cleared of what that run does not keep."""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import UserError
from data_pipeline.side import SIDES
from data_pipeline.storage import Storage, is_remote, join, storage_for
from data_pipeline.storage.stored_file import StoredFile

DESCRIPTION = "dataset.json"

_WORK = ".unfinished"
"""Folder inside the dataset for an unfinished run's notes of the shards that it has finished."""

_BEGUN = "begun"

_SHARD_NAME = re.compile(rf"({'|'.join(SIDES)})-\d{{5}}-of-\d{{5}}\.tfrecord")

_PART_NAME = re.compile(r"\.\w+\.part\.(tfrecord|json)|.+\.part-[0-9a-f]{32}")
"""Of what `replacing` leaves when the process is killed, here and in a remote store."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A dataset's folder.

    Attributes:
        location: A path or a URL.
    """

    location: str

    @property
    def work(self) -> str:
        """The folder for notes of finished shards."""
        return join(self.location, _WORK)

    @property
    def storage(self) -> Storage:
        """What it lies in."""
        return storage_for(self.location)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder and hold it against other runs; folders that are still empty afterwards go again.

        A remote folder cannot be held; there the user takes care that one run at a time writes to it.

        Raises:
            UserError: If it cannot be made, is a file, or another run holds it.
        """
        if is_remote(self.location):
            yield
            return
        out = Path(self.location)
        if out.exists() and not out.is_dir():
            raise UserError(f"{out} is a file: give a folder for the dataset")
        made = [folder for folder in [out, *out.parents] if not folder.exists()]
        try:
            out.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(out, os.O_RDONLY)
            try:
                _lock(descriptor, out)
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise UserError(
                f"cannot write {error.filename or out} ({error.strerror}): put that right or choose another "
                "folder, then run the same command again"
            ) from error
        finally:
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def description(self) -> dict | None:
        """What `dataset.json` says, or None if there is none.

        Raises:
            UserError: If the folder holds something else, or the file describes no dataset.
        """
        files = {file.name for file in self.storage.walk(self.location, hidden=True)}
        if DESCRIPTION not in files:
            if files and not any(name.startswith(f"{_WORK}/") for name in files):
                raise UserError(f"{self.location} is not empty and holds no dataset: choose a new folder")
            return None
        location = join(self.location, DESCRIPTION)
        try:
            content = json.loads(self.storage.read(location))
        except ValueError:
            content = None
        if not isinstance(content, dict) or "plan" not in content:
            raise UserError(f"{location} describes no dataset: choose a new folder, or delete that file")
        return content

    def begin(self) -> None:
        """Mark the folder as one that `prepare` is writing to."""
        self.storage.make_folder(self.work)
        # Stores for objects have no empty folders.
        with self.storage.replacing(join(self.work, _BEGUN)) as file:
            file.write(b"prepare is writing here; a finished dataset has no such folder\n")

    def records(self) -> dict[str, StoredFile]:
        """The record files, by name."""
        return {
            file.name: file
            for file in self.storage.walk(self.location, hidden=True)
            if _SHARD_NAME.fullmatch(file.name)
        }

    def notes(self) -> dict[str, StoredFile]:
        """The notes of finished shards, by name."""
        return {file.name: file for file in self.storage.walk(self.work, hidden=True)}

    def changed(self) -> int:
        """When `dataset.json` was written, in nanoseconds since the epoch; 0 if it was not."""
        location = join(self.location, DESCRIPTION)
        found = self.storage.look_up([location])
        return found[location].changed if found else 0

    def clear(self, keep: Container[str]) -> None:
        """Delete record files that are not to be kept, with their notes and whatever was half written."""
        gone = [
            file.location
            for file in self.storage.walk(self.location, hidden=True)
            if not self._is_kept(file.name, keep)
        ]
        self.storage.delete(gone)

    def _is_kept(self, name: str, keep: Container[str]) -> bool:
        folder, _, last = name.rpartition("/")
        if folder == _WORK:
            return last == _BEGUN or last.removesuffix(".json") in keep
        if _PART_NAME.fullmatch(name):
            return False
        return not _SHARD_NAME.fullmatch(name) or name in keep

    def finish(self, content: dict, shards: Container[str]) -> None:
        """Make the dataset one, which its description does in a single step.

        Args:
            content: Of `dataset.json`.
            shards: The record files that it names; others go.
        """
        self.clear(keep=shards)
        with self.storage.replacing(join(self.location, DESCRIPTION)) as file:
            file.write((json.dumps(content, indent=1) + "\n").encode())
        self.storage.remove_folder(self.work)

    def abandon(self) -> None:
        """Delete everything that `prepare` writes, and nothing else."""
        self.storage.delete([join(self.location, DESCRIPTION)])
        self.clear(keep=())
        self.storage.remove_folder(self.work)


def _lock(descriptor: int, out: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(f"another run is writing to {out}: wait for it, or choose another folder") from error
    except OSError:
        # Some network file systems lock no folders; there the user takes care of that.
        return
