"""Several files downloaded at a time."""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_pipeline.download.fetch import fetch
from data_pipeline.download.remote_file import RemoteFile
from data_pipeline.download.web import NotOnServer, Patience, Web

_REPORT_EVERY = 0.1
_SECONDS_TO_STOP = 2.0


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of one stage of a download.

    Attributes:
        stage: `checking`, `listing`, `downloading` or `unpacking`.
        files: Number of files that are done.
        total_files: Number of files of this stage.
        size: Number of bytes that are done.
        total_size: Number of bytes of this stage, or None where it is not known.
    """

    stage: str
    files: int
    total_files: int
    size: int
    total_size: int | None


OnProgress = Callable[[Progress], None]
"""Called on the caller's thread, some ten times a second."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of downloading several files.

    Attributes:
        files: Number of files that were downloaded.
        there: Number of files that were there already.
        missing: Files that the server does not have.
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
    """Download several files at a time; files that are there already are skipped.

    Args:
        files: Files to download.
        folder: Folder of the corpus.
        workers: Number of files at a time.
        patience: Time limits and retries.
        mirror: See `web.at_mirror`.
        on_progress: Called with the progress.

    Raises:
        DownloadError: If a file cannot be received or is not what was published; finished files stay.
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

    # Daemon threads, since an interrupted command must not wait for a server that does not answer.
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
                file, result = finished.get(timeout=_REPORT_EVERY)
            except queue.Empty:
                continue
            if isinstance(result, NotOnServer):
                missing.append(file)
            elif isinstance(result, BaseException):
                raise result
            elif result:
                fetched += 1
            else:
                there += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join(_SECONDS_TO_STOP / len(threads))
    on_progress(Progress("downloading", len(files), len(files), tally.size, total_size))
    return Fetched(fetched, there, tuple(sorted(missing, key=lambda file: file.name)))
