"""A file on a publisher's server, and whether a file on disk is that file."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """A checksum.

    Attributes:
        algorithm: A name that `hashlib` knows (`md5`, `sha256`).
        value: In lower-case hexadecimal.
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
            algorithm: A name that `hashlib` knows.
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
        url: Of the publisher; a mirror is the business of `Web`.
        name: Its path below the corpus's folder, with `/` between parts.
        size: In bytes, or None where the publisher does not say.
        digest: As published, or None where the publisher publishes none.
        unpack: Suffixes of the files wanted out of it, in lower case, or nothing for a file that is kept as it is.
    """

    url: str
    name: str
    size: int | None = None
    digest: Digest | None = None
    unpack: tuple[str, ...] = ()

    def difference(self, path: Path) -> str:
        """What tells a file on disk from this one, worded `N bytes, expected M`.

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


def safe_name(name: str) -> str:
    """A path of a server's listing or of an archive, if it stays below the folder that it is put in.

    Args:
        name: With `/` between parts.

    Returns:
        The same path in its shortest form.

    Raises:
        ValueError: If it is absolute, leads upwards, names a drive, or is empty.
    """
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise ValueError(f"{name!r} leads out of its folder")
    return str(path)
