"""HTTP for downloads: time limits, retries with busy servers, mirrors."""

import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.util import Retry

from data_pipeline.errors import UserError

_BUSY = (429, 500, 502, 503, 504)
_GONE = (404, 410)

_LONGEST_DOCUMENT = 256 << 20


class DownloadError(UserError):
    """A download that failed; the message says what was asked of which server and what it answered."""


class NotOnServer(DownloadError):
    """The server does not have the file."""


class Stopped(Exception):
    """The job was ended elsewhere; raised in threads that are still at work."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits and numbers of retries.

    Attributes:
        connect: Longest time for a connection in seconds.
        read: Longest time without a byte in seconds.
        tries: Number of times that a request is repeated that fails or meets a busy server (429, 5xx).
        backoff: Seconds before the second repetition; each later wait is twice as long, up to `longest_wait`.
        longest_wait: Longest wait in seconds, also where a server asks for more by `Retry-After`.
        breaks: Number of broken connections in a row without new bytes after which a file is given up.
    """

    connect: float = 15.0
    read: float = 60.0
    tries: int = 5
    backoff: float = 0.5
    longest_wait: float = 60.0
    breaks: int = 5


class _Retry(Retry):
    """Waits as long as a busy server asks for, up to the longest wait."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        return None if seconds is None else min(seconds, self.backoff_max)


class Web:
    """The connection of one thread to publishers or to a mirror.

    Args:
        patience: Time limits and retries.
        mirror: Address of a mirror, or None for the publishers themselves; see `at_mirror`.
        stop: Event that is set when the job is over; it ends waits.
    """

    def __init__(self, patience: Patience, mirror: str | None, stop: threading.Event) -> None:
        self.patience = patience
        self.stop = stop
        self._mirror = mirror
        retry = _Retry(
            total=patience.tries,
            backoff_factor=patience.backoff,
            backoff_max=patience.longest_wait,
            status_forcelist=_BUSY,
            allowed_methods={"GET"},
            raise_on_status=False,
        )
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "speech-emotion-recognition (ser data download)"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def get(self, url: str, headers: dict[str, str] | None = None) -> requests.Response:
        """Request a file; its body is still to be read.

        Args:
            url: Address at the publisher.
            headers: Headers of the request.

        Returns:
            A response with status 200, 206 or 416.

        Raises:
            NotOnServer: If there is no such file.
            DownloadError: If the server cannot be reached or answers with another status.
        """
        address = at_mirror(url, self._mirror)
        try:
            # Without compression, since ranges and lengths would be those of the compressed file.
            response = self._session.get(
                address,
                headers={"Accept-Encoding": "identity", **(headers or {})},
                stream=True,
                timeout=(self.patience.connect, self.patience.read),
            )
        except requests.RequestException as error:
            raise DownloadError(
                f"{address} cannot be reached ({_reason(error)}): check the connection and run the command again, "
                "which goes on where it stopped"
            ) from error
        if response.status_code in (200, 206, 416):
            return response
        response.close()
        answer = f"{address} answered {response.status_code} {response.reason}"
        if response.status_code in _GONE:
            raise NotOnServer(f"{answer}: check the address, or whether the mirror holds this corpus")
        raise DownloadError(
            f"{answer}: the server is busy or refuses; run the command again later, which goes on where it stopped"
        )

    def read(self, url: str) -> bytes:
        """Read a short document.

        Args:
            url: Address at the publisher.

        Raises:
            NotOnServer: If there is no such document.
            DownloadError: If it cannot be read to its end, or is longer than 256 MiB.
        """
        received = bytearray()
        try:
            with self.get(url) as response:
                for block in response.iter_content(1 << 16):
                    received += block
                    if len(received) > _LONGEST_DOCUMENT:
                        raise DownloadError(f"{response.url} is too long for a listing: check the mirror's address")
        except requests.RequestException as error:
            address = at_mirror(url, self._mirror)
            raise DownloadError(f"{address} broke off ({_reason(error)}): run the command again") from error
        return bytes(received)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def at_mirror(url: str, mirror: str | None) -> str:
    """The address of a publisher's file at a mirror.

    A mirror holds the files of each host in a folder named after the host, as `wget --mirror` lays them out:
    `https://zenodo.org/records/1` is `MIRROR/zenodo.org/records/1`.

    Args:
        url: Address at the publisher.
        mirror: Address of the mirror, or None for the publisher itself.
    """
    if mirror is None:
        return url
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}{query}"


def check_mirror(mirror: str | None) -> None:
    """Refuse a mirror that is no address.

    Raises:
        UserError: If `mirror` is neither None nor an `http` or `https` address.
    """
    if mirror is not None:
        parts = urlsplit(mirror)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UserError(f"{mirror!r} is no address of a mirror; write it as https://HOST/PATH")


def _reason(error: BaseException) -> str:
    """The innermost cause of an error, which is what a person can act on."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
