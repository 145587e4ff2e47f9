"""A folder that a job writes to: claimed while the job runs, with enough free space."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from data_pipeline.errors import UserError


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make a folder and keep other runs out of it. Folders that were made and are empty afterwards are deleted.

    Args:
        folder: A folder on this machine.

    Raises:
        UserError: If it is a file, cannot be made or written to, or another run is writing to it.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: give a folder")
    made = [place for place in [folder, *folder.parents] if not place.exists()]
    try:
        descriptor = _hold(folder)
        try:
            yield
        finally:
            os.close(descriptor)
    finally:
        below = [Path(place) for place, _, _ in os.walk(folder, topdown=False)] if made else []
        for place in [*below, *made]:
            with contextlib.suppress(OSError):
                place.rmdir()


def require_space(folder: Path, size: int, purpose: str) -> None:
    """Refuse a job for which there is too little free space.

    Args:
        folder: Folder that the files will be written to; it must exist.
        size: Number of bytes needed.
        purpose: What the space is for, for the message (`downloading CREMA-D`).

    Raises:
        UserError: If fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise UserError(
            f"{folder} has {free / 1e6:,.0f} MB free, and {purpose} needs {size / 1e6:,.0f} MB: make room or choose "
            "another place"
        )


def _hold(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}): choose another place") from error
    try:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(f"{folder} cannot be written: choose another place, or see who may write there")
        # Some network file systems cannot lock folders; there the user takes care that one run at a time writes.
        with contextlib.suppress(OSError):
            _lock(descriptor, folder)
    except UserError:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(f"another run is writing to {folder}: wait for it, or choose another folder") from error
