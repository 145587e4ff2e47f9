"""The folder of a dataset while it is being written: claimed by one run, changed only when that run has finished.

Record files are written to a hidden folder inside it, each with a note of what became of its clips. A dataset that was
there before stays as it is until all of the new one is there.
"""

import contextlib
import json
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import UserError
from data_pipeline.splits import SPLITS
from data_pipeline.storage import Storage, is_remote, join, storage_for
from data_pipeline.storage.claimed_folder import claimed
from data_pipeline.storage.stored_file import StoredFile

DESCRIPTION = "dataset.json"

_WORK = ".unfinished"
"""Folder inside the dataset's folder for the shards and notes of an unfinished run."""

_MARK = "begun"
"""File in that folder that a run writes first."""

_SHARD_NAME = re.compile(rf"({'|'.join(SPLITS)})-\d{{5}}-of-\d{{5}}\.tfrecord")

_PART_NAME = re.compile(r"\.\w+\.part\.(tfrecord|json)|.+\.part-[0-9a-f]{32}")
"""Names of the files that `replacing` leaves when the process is killed, here and in a remote store."""


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """The folder that a dataset is written to.

    Attributes:
        location: A path or a URL.
    """

    location: str

    @property
    def work(self) -> str:
        """The folder for shards and their notes until all are there."""
        return join(self.location, _WORK)

    @property
    def storage(self) -> Storage:
        """The storage that the folder is in."""
        return storage_for(self.location)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder and keep other runs out of it; folders that are still empty afterwards are deleted.

        A remote folder cannot be claimed; there the user takes care that one run at a time writes to it.

        Raises:
            UserError: If it cannot be made, is a file, or another run holds it.
        """
        if not self.location:
            raise UserError("the dataset's folder has no name: give one, as out/data")
        if is_remote(self.location):
            yield
            return
        with claimed(Path(self.location)):
            yield

    def read_description(self) -> dict | None:
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

    def mark_unfinished(self) -> None:
        """Mark the folder as one that `prepare` is writing to."""
        self.storage.make_folder(self.work)
        # Object stores have no empty folders.
        with self.storage.replacing(join(self.work, _MARK)) as file:
            file.write(b"prepare is writing here; a finished dataset has no such folder\n")

    def unfinished_files(self) -> dict[str, StoredFile]:
        """Record files and notes of an unfinished run, by name."""
        return {file.name: file for file in self.storage.walk(self.work, hidden=True)}

    def delete_unfinished(self, keep: Container[str]) -> None:
        """Delete the files of an unfinished run, except for some record files and their notes.

        Args:
            keep: Names of the record files to keep.
        """
        files = self.unfinished_files().values()
        gone = [file for file in files if file.name != _MARK and file.name.removesuffix(".json") not in keep]
        self.storage.delete(file.location for file in gone)

    def record_files(self) -> dict[str, StoredFile]:
        """Record files of a finished dataset, by name."""
        files = self.storage.walk(self.location, hidden=True)
        return {file.name: file for file in files if _SHARD_NAME.fullmatch(file.name)}

    def described_at(self) -> int:
        """Time at which `dataset.json` was written, in nanoseconds since the epoch; 0 if there is none."""
        location = join(self.location, DESCRIPTION)
        found = self.storage.look_up([location])
        return found[location].changed if found else 0

    def publish(self, content: dict, shards: Container[str]) -> None:
        """Put the new dataset in the place of the old one.

        Between the first step and the last there is no dataset. A run that is killed there is continued like any
        other.

        Args:
            content: Content of `dataset.json`.
            shards: Names of its record files.
        """
        new = [file for file in self.unfinished_files().values() if file.name in shards]
        self.storage.delete([join(self.location, DESCRIPTION)])
        self.storage.move({file.location: join(self.location, file.name) for file in new})
        left = [file for file in self.storage.walk(self.location, hidden=True) if self._is_ours(file.name)]
        self.storage.delete(file.location for file in left if file.name not in shards)
        self.write_description(content)
        self.storage.remove_folder(self.work)

    def _is_ours(self, name: str) -> bool:
        return bool(_SHARD_NAME.fullmatch(name) or _PART_NAME.fullmatch(name))

    def write_description(self, content: dict) -> None:
        """Write `dataset.json`."""
        with self.storage.replacing(join(self.location, DESCRIPTION)) as file:
            file.write((json.dumps(content, indent=1) + "\n").encode())

    def abandon(self) -> None:
        """Delete all files of an unfinished run; a finished dataset stays."""
        self.storage.remove_folder(self.work)
