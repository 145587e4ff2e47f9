"""A hub on the loopback interface: the requests of huggingface_hub for a model, and failures."""

import contextlib
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """One model on a server.

    Attributes:
        url: Of the server.
        name: `owner/name`.
        commits: The files of each commit.
        refs: Which commit a branch or tag is.
        refusal: What every request is answered with: a status and an error code; None for proper answers.
        cut: How many bytes of a file are sent before the connection breaks, for each request of files in turn.
        requests: Method and path of each so far.
    """

    url: str
    name: str
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    refusal: tuple[int, str] | None = None
    cut: list[int] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def fetched(self) -> list[str]:
        """The files whose bytes were asked for."""
        return [path.rpartition("/")[2] for method, path in self.requests if method == "GET" and "/resolve/" in path]


@contextlib.contextmanager
def serving(name: str) -> Iterator[Hub]:
    """A hub for as long as the block lasts."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.hub = Hub(f"http://127.0.0.1:{server.server_port}", name)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.hub  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        hub: Hub = self.server.hub
        path = unquote(urlsplit(self.path).path)
        hub.requests.append((self.command, path))
        if hub.refusal:
            return self._send(hub.refusal[0], b"{}", {"X-Error-Code": hub.refusal[1]})
        if match := re.fullmatch(rf"/api/models/{hub.name}(?:/revision/(.+))?", path):
            return self._describe(hub, match[1] or "main")
        if match := re.fullmatch(rf"/{hub.name}/resolve/([^/]+)/(.+)", path):
            return self._file(hub, match[1], match[2])
        return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _describe(self, hub, revision):
        commit = hub.refs.get(revision, revision)
        if commit not in hub.commits:
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        files = [{"rfilename": name, "size": len(content)} for name, content in hub.commits[commit].items()]
        model = {"id": hub.name, "modelId": hub.name, "sha": commit, "siblings": files, "tags": ["license:apache-2.0"]}
        return self._send(200, json.dumps(model).encode(), {"Content-Type": "application/json"})

    def _file(self, hub, revision, file):
        commit = hub.refs.get(revision, revision)
        if commit not in hub.commits:
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        if file not in hub.commits[commit]:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        content = hub.commits[commit][file]
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": commit,
            "Accept-Ranges": "bytes",
        }
        start = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if start:
            headers["Content-Range"] = f"bytes {start[1]}-{len(content) - 1}/{len(content)}"
            content = content[int(start[1]) :]
        cut = hub.cut.pop(0) if hub.cut and self.command == "GET" else None
        return self._send(206 if start else 200, content, headers, cut)

    def _send(self, status, content, headers, cut=None):
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True
