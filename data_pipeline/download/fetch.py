"""One file over HTTP: resumed where it broke off, checked, and in its place only when it is whole."""

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from data_pipeline.download.remote_file import RemoteFile
from data_pipeline.download.web import DownloadError, Stopped, Web
from data_pipeline.storage.atomic_file import write_text

_BLOCK = 1 << 14
"""Bytes. When a connection breaks, what has come of the last block is lost, so that blocks are small."""

_ATTEMPTS = 2
"""Of receiving a file whose checksum is wrong: once may be an accident of the line."""


def fetch(web: Web, remote: RemoteFile, target: Path, on_bytes: Callable[[int], None] = lambda _: None) -> bool:
    """Download a file, unless it is there already.

    What has been received lies in `.NAME.part` beside the target until the file is whole and its size and checksum are
    right. A later call goes on from there (RFC 9110, sections 13.1.5 and 14: `Range` with `If-Range`).

    Args:
        web: The way to the server.
        remote: What to download.
        target: Where to. Its folder must exist.
        on_bytes: Called with how many bytes have been added; a negative number when they turned out to be useless.

    Returns:
        Whether anything was downloaded.

    Raises:
        NotOnServer: If the server does not have it.
        DownloadError: If it cannot be received, or is not what was published.
        Stopped: If the job was ended elsewhere.
        OSError: If the file cannot be written.
    """
    if target.is_file() and not remote.difference(target):
        on_bytes(target.stat().st_size)
        return False
    part = _Part.beside(target)
    for _ in range(_ATTEMPTS):
        size = _receive(web, remote, part, on_bytes)
        wrong = remote.difference(part.file)
        if not wrong:
            part.file.replace(target)
            part.discard()
            return True
        part.discard()
        on_bytes(-size)
    raise DownloadError(
        f"{remote.name} from {remote.url} is not the file that was published ({wrong}; received {_ATTEMPTS} times and "
        "deleted): run the command again later, or try another network or mirror"
    )


def received(target: Path) -> int:
    """How many bytes of a file lie on disk, whole or in part."""
    return target.stat().st_size if target.is_file() else _Part.beside(target).size


@dataclass(frozen=True, slots=True)
class _Part:
    """A file on its way.

    Attributes:
        file: What has been received.
        note: Which version of the file that is: the server's name for it.
    """

    file: Path
    note: Path

    @classmethod
    def beside(cls, target: Path) -> "_Part":
        return cls(target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.part.json"))

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def validator(self) -> str:
        try:
            return str(json.loads(self.note.read_text(encoding="utf-8"))["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def begin(self, response: requests.Response) -> None:
        """Empty it and remember which version is coming."""
        self.file.write_bytes(b"")
        # A weak ETag does not promise the same bytes and may not stand in If-Range (RFC 9110, section 13.1.5).
        tag = response.headers.get("ETag", "")
        validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
        write_text(self.note, json.dumps({"validator": validator}))

    def discard(self) -> None:
        for path in (self.file, self.note):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _receive(web: Web, remote: RemoteFile, part: _Part, on_bytes: Callable[[int], None]) -> int:
    """Receive until the server has nothing more, over as many connections as that takes.

    Returns:
        The size of the part.
    """
    if remote.digest is not None and remote.size == part.size:
        on_bytes(part.size)
        return part.size
    counted = 0
    furthest = part.size
    vain = 0

    def count(size: int) -> None:
        nonlocal counted
        on_bytes(size - counted)
        counted = size

    while True:
        try:
            _receive_once(web, remote, part, count)
            return counted
        except requests.RequestException as error:
            vain = 0 if counted > furthest else vain + 1
            furthest = max(furthest, counted)
            if vain > web.patience.breaks:
                raise DownloadError(
                    f"{remote.name} from {remote.url} broke off {vain} times in a row after {counted:,} bytes: check "
                    "the connection and run the command again, which goes on where it stopped"
                ) from error
            if web.stop.wait(min(web.patience.backoff * 2**vain, web.patience.longest_wait)):
                raise Stopped from error


def _receive_once(web: Web, remote: RemoteFile, part: _Part, count: Callable[[int], None]) -> None:
    """Receive over one connection.

    Args:
        web: The way to the server.
        remote: What to download.
        part: Where to.
        count: Called with the size of the part whenever it has changed.

    Raises:
        requests.RequestException: If the connection breaks.
    """
    headers = _continuation(remote, part)
    with web.get(remote.url, headers) as response:
        offset = part.size
        if response.status_code == 416:
            if _whole_size(response) == offset:
                count(offset)
                return
            # The file has become shorter than what is here of it: that was another version.
            part.discard()
            raise requests.ConnectionError("the server's file is shorter than the part at hand")
        if response.status_code != 206 or not _continues_at(response, offset):
            if response.status_code == 206:
                part.discard()
                raise requests.ConnectionError("the server sent another range than was asked for")
            offset = 0
            part.begin(response)
        count(offset)
        with part.file.open("ab") as file:
            for block in response.iter_content(_BLOCK):
                file.write(block)
                file.flush()
                offset += len(block)
                count(offset)
                if web.stop.is_set():
                    raise Stopped
                if remote.size is not None and offset > remote.size:
                    return


def _continuation(remote: RemoteFile, part: _Part) -> dict[str, str]:
    """The headers that ask for what is missing, or none to ask for everything."""
    size = part.size
    if size == 0 or (remote.size is not None and size > remote.size):
        return {}
    validator = part.validator()
    if validator:
        return {"Range": f"bytes={size}-", "If-Range": validator}
    # Without a version's name only the checksum tells whether two halves belong together.
    return {"Range": f"bytes={size}-"} if remote.digest is not None else {}


def _continues_at(response: requests.Response, offset: int) -> bool:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return match is not None and int(match[1]) == offset


def _whole_size(response: requests.Response) -> int | None:
    match = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None
