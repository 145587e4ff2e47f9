"""A file on a publisher's server, a file on disk, and whether one is the other."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """A checksum.

    Attributes:
        algorithm: Name of an algorithm of `hashlib` (`md5`, `sha256`).
        value: Checksum in lower-case hexadecimal.
    """

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """The inverse of `str`.

        Raises:
            ValueError: If the text is no `ALGORITHM:VALUE`.
        """
        algorithm, sign, value = text.partition(":")
        if not sign or algorithm not in hashlib.algorithms_available:
            raise ValueError(f"a checksum is written ALGORITHM:VALUE. Received: {text!r}")
        return cls(algorithm, value)

    @classmethod
    def of(cls, path: Path, algorithm: str, on_bytes: Callable[[int], None] = lambda _: None) -> "Digest":
        """The checksum of a file on disk.

        Args:
            path: The file.
            algorithm: Name of an algorithm of `hashlib`.
            on_bytes: Called with the number of bytes after each block.
        """
        digest = hashlib.new(algorithm, usedforsecurity=False)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                on_bytes(len(block))
        return cls(algorithm, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to be downloaded.

    Attributes:
        url: Address at the publisher; `Web` replaces it by that of a mirror.
        name: Path below the corpus's folder, with `/` between parts.
        size: Size in bytes, or None where the publisher does not state it.
        digest: Published checksum, or None where there is none.
        unpack: Suffixes of the files to unpack from an archive, in lower case; empty for a file that is not an archive.
    """

    url: str
    name: str
    size: int | None = None
    digest: Digest | None = None
    unpack: tuple[str, ...] = ()

    def difference(self, path: Path) -> str:
        """How a file on disk differs from this one, worded `N bytes, expected M`.

        Returns:
            An empty string if size and checksum are right, as far as they are published.
        """
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            return f"{size:,} bytes, expected {self.size:,}"
        if self.digest is not None:
            received = Digest.of(path, self.digest.algorithm)
            if received != self.digest:
                return f"{received}, expected {self.digest}"
        return ""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file of a corpus, as it lies on disk.

    Attributes:
        name: Path below the corpus's folder.
        size: Size in bytes.
        digest: Checksum.
    """

    name: str
    size: int
    digest: Digest


def safe_name(name: str) -> str:
    """Check that a path of a listing or an archive stays inside its folder.

    Args:
        name: The path, with `/` between parts.

    Returns:
        The path in its shortest form.

    Raises:
        ValueError: If it is absolute, leads upwards, names a drive, or is empty.
    """
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise ValueError(f"{name!r} leads out of its folder")
    return str(path)
