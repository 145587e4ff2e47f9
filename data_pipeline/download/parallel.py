"""Many files at a time."""

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_pipeline.download.fetch import fetch
from data_pipeline.download.progress import OnProgress, Progress
from data_pipeline.download.remote_file import RemoteFile
from data_pipeline.download.web import NotOnServer, Patience, Web

_REPORT_EVERY = 0.1
_LAST_WORDS = 2.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a number of files.

    Attributes:
        files: How many were downloaded.
        there: How many were there already.
        missing: Those that the server does not have.
    """

    files: int
    there: int
    missing: tuple[RemoteFile, ...]


@dataclass(slots=True)
class _Tally:
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, size: int) -> None:
        with self.lock:
            self.size += size


def fetch_all(
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    workers: int,
    patience: Patience,
    mirror: str | None,
    on_progress: OnProgress,
) -> Fetched:
    """Download files side by side; those that are there already are passed over.

    Args:
        files: What to download.
        folder: Where to.
        workers: How many at a time.
        patience: With servers.
        mirror: See `web.at_mirror`.
        on_progress: Told how far it has come.

    Raises:
        DownloadError: If a file cannot be received or is not what was published; those that are finished stay.
        OSError: If a file cannot be written.
    """
    for parent in {(folder / file.name).parent for file in files}:
        parent.mkdir(parents=True, exist_ok=True)
    waiting: queue.SimpleQueue[RemoteFile] = queue.SimpleQueue()
    for file in files:
        waiting.put(file)
    finished: queue.SimpleQueue[tuple[RemoteFile, bool | BaseException]] = queue.SimpleQueue()
    stop = threading.Event()
    tally = _Tally()

    def work() -> None:
        web = Web(patience, mirror, stop)
        try:
            while not stop.is_set():
                file = waiting.get_nowait()
                try:
                    finished.put((file, fetch(web, file, folder / file.name, tally.add)))
                except BaseException as error:
                    finished.put((file, error))
        except queue.Empty:
            pass
        finally:
            web.close()

    # Daemons, since an interrupted command must not wait for a server that says nothing.
    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(workers, len(files)))]
    for thread in threads:
        thread.start()
    sizes = [file.size for file in files if file.size is not None]
    total_size = sum(sizes) if len(sizes) == len(files) else None
    fetched, there = 0, 0
    missing: list[RemoteFile] = []
    try:
        while fetched + there + len(missing) < len(files):
            on_progress(Progress("downloading", fetched + there + len(missing), len(files), tally.size, total_size))
            try:
                file, outcome = finished.get(timeout=_REPORT_EVERY)
            except queue.Empty:
                continue
            if isinstance(outcome, NotOnServer):
                missing.append(file)
            elif isinstance(outcome, BaseException):
                raise outcome
            elif outcome:
                fetched += 1
            else:
                there += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join(_LAST_WORDS / len(threads))
    on_progress(Progress("downloading", len(files), len(files), tally.size, total_size))
    return Fetched(fetched, there, tuple(sorted(missing, key=lambda file: file.name)))
