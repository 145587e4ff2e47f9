"""Standard output of the command line: signs that its encoding lacks, and a disk that is full.

Tables, bars and minus signs are not in every encoding (`LC_ALL=C`, `PYTHONIOENCODING=ascii`). They are written with
signs that are, since a command must not fail after its work for want of a character.
"""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from data_pipeline.errors import UserError

_ERRORS = "signs-in-ascii"
"""Name of the error handler, as `codecs` knows it."""

_SIGNS = {
    "█": "#",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "…": "...",
    "“": '"',
    "”": '"',
    "’": "'",
    "→": "->",
    "·": ".",
}
"""Signs of the project's own messages; any other character is written as its code."""


@contextmanager
def printable() -> Iterator[None]:
    """A context in which whatever is printed can be; at its end everything has been written.

    Raises:
        UserError: Where something is printed, or at the end, if standard output cannot be written.
    """
    if not isinstance(sys.stdout, io.TextIOWrapper):
        yield
        return
    codecs.register_error(_ERRORS, _in_ascii)
    before = sys.stdout
    before.flush()
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_StandardOutput(before.fileno(), "wb", closefd=False)),
        encoding=before.encoding,
        errors=_ERRORS if before.errors in ("strict", "surrogateescape") else before.errors,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads it, such as `head`, has read enough.
        _discard_the_rest()
        sys.exit(1)


class _StandardOutput(io.FileIO):
    def write(self, content) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            raise
        except OSError as error:
            _discard_the_rest()
            raise UserError(
                f"standard output cannot be written ({error.strerror}): make room there, or send it elsewhere"
            ) from error


def _discard_the_rest() -> None:
    """Let the interpreter write what is left in buffers to nowhere, since it would fail again when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_SIGNS.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in signs), error.end
