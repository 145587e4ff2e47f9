"""Git LFS pointers: the short texts that a repository holds in place of large files."""

import re

from data_pipeline.download.remote_file import Digest

# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: the version first, the other keys in alphabetical order.
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n?"
)

_LONGEST = 1024
"""Bytes; a longer file is no pointer, says the specification."""


def read_pointer(content: bytes) -> tuple[int, Digest] | None:
    """Size and checksum of the file that a pointer stands for.

    Args:
        content: Of a file in a repository.

    Returns:
        None if it is no pointer but the file itself.
    """
    match = _POINTER.fullmatch(content) if len(content) < _LONGEST else None
    return (int(match[2]), Digest("sha256", match[1].decode())) if match else None
