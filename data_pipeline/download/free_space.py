"""Room on disk, asked for before the work and not found out in the middle of it."""

import shutil
from pathlib import Path

from data_pipeline.errors import UserError


def require_space(folder: Path, size: int, purpose: str) -> None:
    """Refuse a job that cannot end well.

    Args:
        folder: Where the files will go; must exist.
        size: Bytes needed.
        purpose: For the message (`downloading CREMA-D`).

    Raises:
        UserError: If less is free.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise UserError(
            f"{folder} has {free / 1e6:,.0f} MB free, and {purpose} needs {size / 1e6:,.0f} MB: make room or choose "
            "another place"
        )
