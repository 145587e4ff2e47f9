"""One file over HTTP: resumed where it broke off, checked, and moved into place only when it is complete."""

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
"""Size of a block in bytes. A broken connection loses what was received of the last block, so blocks are small."""

_ATTEMPTS = 2
"""Number of times that a file with a wrong checksum is received: once may be an accident of the line."""


def fetch(web: Web, remote: RemoteFile, target: Path, on_bytes: Callable[[int], None] = lambda _: None) -> bool:
    """Download a file, unless it is there already.

    Received bytes are kept in `.NAME.part` beside the target until the file is complete and its size and checksum are
    right. A later call continues from there (RFC 9110, sections 13.1.5 and 14: `Range` with `If-Range`).

    Args:
        web: Connection to the server.
        remote: The file to download.
        target: Path of the file; its folder must exist.
        on_bytes: Called with the number of bytes received; with a negative number when bytes were discarded.

    Returns:
        Whether anything was downloaded.

    Raises:
        NotOnServer: If the server does not have the file.
        DownloadError: If the file cannot be received, or is not what was published.
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
    """Number of bytes of a file on disk, complete or in part."""
    return target.stat().st_size if target.is_file() else _Part.beside(target).size


@dataclass(frozen=True, slots=True)
class _Part:
    """A file that is being received.

    Attributes:
        file: Path of the bytes that have been received.
        note: Path of a note of the version of the file, by the server's validator.
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
        """Empty the file and note which version is being received."""
        self.file.write_bytes(b"")
        # A weak ETag does not promise the same bytes and may not be used in If-Range (RFC 9110, section 13.1.5).
        tag = response.headers.get("ETag", "")
        validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
        write_text(self.note, json.dumps({"validator": validator}))

    def discard(self) -> None:
        for path in (self.file, self.note):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _receive(web: Web, remote: RemoteFile, part: _Part, on_bytes: Callable[[int], None]) -> int:
    """Receive a file to its end, over as many connections as that takes.

    Returns:
        The number of bytes received.
    """
    if remote.digest is not None and remote.size == part.size:
        on_bytes(part.size)
        return part.size
    counted = 0
    furthest = part.size
    failures = 0

    def count(size: int) -> None:
        nonlocal counted
        on_bytes(size - counted)
        counted = size

    while True:
        try:
            _receive_once(web, remote, part, count)
            return counted
        except requests.RequestException as error:
            failures = 0 if counted > furthest else failures + 1
            furthest = max(furthest, counted)
            if failures > web.patience.breaks:
                raise DownloadError(
                    f"{remote.name} from {remote.url} broke off {failures} times in a row after {counted:,} bytes: "
                    "check the connection and run the command again, which goes on where it stopped"
                ) from error
            if web.stop.wait(min(web.patience.backoff * 2**failures, web.patience.longest_wait)):
                raise Stopped from error


def _receive_once(web: Web, remote: RemoteFile, part: _Part, count: Callable[[int], None]) -> None:
    """Receive over one connection.

    Args:
        web: Connection to the server.
        remote: The file to download.
        part: The part of it on disk.
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
            # The file has become shorter than the part, which is then of another version.
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
    """Headers that ask for the missing bytes; none to ask for the whole file."""
    size = part.size
    if size == 0 or (remote.size is not None and size > remote.size):
        return {}
    validator = part.validator()
    if validator:
        return {"Range": f"bytes={size}-", "If-Range": validator}
    # Without a validator only a checksum tells whether both parts are of the same version.
    return {"Range": f"bytes={size}-"} if remote.digest is not None else {}


def _continues_at(response: requests.Response, offset: int) -> bool:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return match is not None and int(match[1]) == offset


def _whole_size(response: requests.Response) -> int | None:
    match = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None
