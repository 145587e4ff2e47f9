"""A folder that a job writes to: there before the work begins, and its own while it lasts."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from data_pipeline.errors import UserError


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make a folder and hold it against other runs; what was made and is empty afterwards goes again.

    Args:
        folder: On this machine.

    Raises:
        UserError: If it is a file, cannot be made or written to, or another run holds it.
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


def _hold(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror}): choose another place") from error
    try:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(f"{folder} cannot be written: choose another place, or see who may write there")
        # Some network file systems lock no folders; there the user takes care of that.
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
