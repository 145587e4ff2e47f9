"""Files that appear whole or not at all."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from data_pipeline.errors import UserError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that replaces it when the block ends, and is deleted when the block fails.

    Readers see the old file or the new one, and two writers at the same time do not mix.

    Args:
        path: The file to write; its folder must exist.

    Yields:
        The path to write to; it has the suffix of `path`, since some writers choose the format by it.

    Raises:
        UserError: If the file cannot be written.
    """
    try:
        suffix = f".part{path.suffix}"
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=suffix, delete=False) as file:
            part = Path(file.name)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another place or make room") from error
    try:
        yield part
        # Only the owner may read a temporary file; others who may read the folder may read the file that replaces it.
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another place or make room") from error
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; see `replacing`."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
