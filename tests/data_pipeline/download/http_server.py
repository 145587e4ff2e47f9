"""An HTTP server on the loopback interface whose files, ranges and bad days a test decides."""

import contextlib
import hashlib
import http.server
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Served:
    """A file and how the server treats those who ask for it.

    Attributes:
        content: Its bytes.
        ranges: Whether `Range` is understood.
        etag: Whether an entity tag is sent.
        break_after: For each request in turn, after how many bytes of the body the connection is cut (None: not).
        busy: How many requests are first answered 503.
        delay: Seconds before each 4 KiB of the body.
        wrong: How many requests are first answered with other bytes of the same length.
    """

    content: bytes
    ranges: bool = True
    etag: bool = True
    break_after: list[int | None] = field(default_factory=list)
    busy: int = 0
    delay: float = 0.0
    wrong: int = 0


@dataclass(frozen=True)
class Request:
    """What the server was asked.

    Attributes:
        path: With its query.
        range: The header, or an empty string.
        if_range: The header, or an empty string.
        status: Of the answer.
    """

    path: str
    range: str
    if_range: str
    status: int


@dataclass
class FileServer:
    """Files by path, and the requests for them so far."""

    url: str
    files: dict[str, Served] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    most_at_a_time: int = 0

    def put(self, path: str, content: bytes, **how) -> Served:
        self.files[path] = Served(content, **how)
        return self.files[path]

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def counts(self) -> Counter[str]:
        return Counter(request.path for request in self.requests)


@contextlib.contextmanager
def serving() -> Iterator[FileServer]:
    """A running server."""
    lock = threading.RLock()
    busy_now = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_GET(self):
            nonlocal busy_now
            with lock:
                busy_now += 1
                site.most_at_a_time = max(site.most_at_a_time, busy_now)
            try:
                self._answer()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with lock:
                    busy_now -= 1

        def _answer(self):
            served = site.files.get(self.path)
            if served is None:
                return self._refuse(404)
            with lock:
                if served.busy > 0:
                    served.busy -= 1
                    return self._refuse(503)
                cut = served.break_after.pop(0) if served.break_after else None
                content = served.content
                if served.wrong > 0:
                    served.wrong -= 1
                    content = bytes(255 - byte for byte in content)
            tag = f'"{hashlib.sha256(served.content).hexdigest()[:16]}"' if served.etag else ""
            start = self._start(served, tag)
            if start is not None and start >= len(content):
                return self._refuse(416, {"Content-Range": f"bytes */{len(content)}"})
            self._note(206 if start is not None else 200)
            self.send_response(206 if start is not None else 200)
            if start is not None:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            body = content[start or 0 :]
            self.send_header("Content-Length", str(len(body)))
            if tag:
                self.send_header("ETag", tag)
            self.end_headers()
            for offset in range(0, len(body if cut is None else body[:cut]), 4096):
                time.sleep(served.delay)
                self.wfile.write(body[offset : min(offset + 4096, len(body) if cut is None else cut)])
            if cut is not None:
                self.close_connection = True
            return None

        def _start(self, served, tag):
            match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if match is None or not served.ranges or self.headers.get("If-Range", tag) != tag:
                return None
            return int(match[1])

        def _refuse(self, status, headers=None):
            self._note(status)
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _note(self, status):
            with lock:
                site.requests.append(
                    Request(self.path, self.headers.get("Range", ""), self.headers.get("If-Range", ""), status)
                )

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = FileServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
