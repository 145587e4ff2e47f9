"""How far a download has come."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A report on one stage of a download.

    Attributes:
        stage: `checking`, `listing`, `downloading` or `unpacking`.
        files: Done.
        total_files: To do in this stage.
        size: Bytes done.
        total_size: Bytes to do, or None where it is not known.
    """

    stage: str
    files: int
    total_files: int
    size: int
    total_size: int | None


OnProgress = Callable[[Progress], None]
"""Called in the caller's thread, some ten times a second."""
