"""A whole download: listing, receiving, unpacking and the receipt."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_pipeline.download.archive import ArchiveError, unpack
from data_pipeline.download.fetch import received
from data_pipeline.download.parallel import OnProgress, Progress, fetch_all
from data_pipeline.download.publisher import Document, Offer, Publisher
from data_pipeline.download.publishers import publisher_of
from data_pipeline.download.receipt import Receipt, refuse_other_corpus
from data_pipeline.download.remote_file import Digest, ReceivedFile, RemoteFile
from data_pipeline.download.web import NotOnServer, Patience, Web, at_mirror, check_mirror
from data_pipeline.errors import SetAside, UserError
from data_pipeline.storage.atomic_file import replacing
from data_pipeline.storage.claimed_folder import claimed, require_space

_DIGEST = "sha256"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that was downloaded.

    Attributes:
        name: Name of the file.
        size: Size in bytes.
        sha256: SHA-256 in hexadecimal.
        verified: Whether it has the checksum that its publisher states; False where none is published.
    """

    name: str
    size: int
    sha256: str
    verified: bool


@dataclass(frozen=True, slots=True)
class DownloadSummary:
    """What a download did.

    Attributes:
        folder: Folder of the corpus.
        files: Number of files of the corpus that are there now.
        size: Size of these files in bytes.
        fetched: Number of files that this run downloaded.
        set_aside: Clips that could not be downloaded, with reasons.
        archives: Archives that this run downloaded and unpacked.
    """

    folder: Path
    files: int
    size: int
    fetched: int
    set_aside: tuple[SetAside, ...] = ()
    archives: tuple[Archive, ...] = ()


def download(
    corpus: str,
    folder: Path,
    *,
    mirror: str | None = None,
    workers: int = 8,
    keep_archive: bool = False,
    patience: Patience | None = None,
    on_progress: OnProgress = lambda _: None,
) -> DownloadSummary:
    """Download a corpus from its publisher. The caller has accepted the licence of the corpus.

    An interrupted download continues where it stopped when the function is called again; of a finished download the
    files are only checked.

    Args:
        corpus: Name of the corpus (`crema_d`).
        folder: Folder for the corpus; made if it is missing, and deleted again if nothing is received.
        mirror: Address of a server that keeps the files of each host in a folder named after the host, or None for the
            publishers' own servers.
        workers: Number of files to download at a time.
        keep_archive: Whether archives stay after they have been unpacked.
        patience: Time limits and retries.
        on_progress: Called with the progress.

    Returns:
        What was done.

    Raises:
        UserError: If the corpus cannot be downloaded, the folder cannot be written, has too little space or is being
            written to by another run, a server cannot be reached, or what it sends is not what was published.
    """
    publisher = publisher_of(corpus)
    check_mirror(mirror)
    means = _Means(mirror, workers, patience or Patience())
    try:
        with claimed(folder):
            refuse_other_corpus(folder, corpus)
            return _download(publisher, folder, means, keep_archive, on_progress)
    except OSError as error:
        place = error.filename or folder
        raise UserError(f"{place} cannot be written ({error.strerror}): choose another place or make room") from error


@dataclass(frozen=True, slots=True)
class _Means:
    """How files are downloaded; see `download`."""

    mirror: str | None
    workers: int
    patience: Patience


def _download(
    publisher: Publisher, folder: Path, means: _Means, keep_archive: bool, on_progress: OnProgress
) -> DownloadSummary:
    corpus = publisher.corpus
    receipt = Receipt.read(folder)
    if receipt is not None and not receipt.set_aside and _holds(receipt, folder, on_progress):
        return DownloadSummary(folder, len(receipt.files), sum(file.size for file in receipt.files), fetched=0)

    on_progress(Progress("listing", 0, 1, 0, None))
    offer = _ask(publisher, means)
    require_space(folder, _missing_size(offer, folder), f"downloading {corpus}")
    fetched = fetch_all(
        offer.files,
        folder,
        workers=means.workers,
        patience=means.patience,
        mirror=means.mirror,
        on_progress=on_progress,
    )
    if fetched.missing and len(fetched.missing) == len(offer.files):
        raise NotOnServer(
            f"{at_mirror(fetched.missing[0].url, means.mirror)} and all else of {corpus} is not on the server: check "
            "whether the mirror holds it"
        )
    for document in offer.documents:
        _write(document, folder)

    here = [file for file in offer.files if file not in fetched.missing]
    delivered = [_delivered(folder, file) for file in here if not file.unpack]
    delivered += [_delivered(folder, RemoteFile("", document.name)) for document in offer.documents]
    archives = []
    for file in here:
        if file.unpack:
            archives.append(_describe(folder, file))
            delivered += _unpack(folder, file, on_progress)
    set_aside = (
        *offer.set_aside,
        *(SetAside(file.name, "is not on the server (404)") for file in fetched.missing),
    )
    Receipt(corpus, tuple(sorted(delivered, key=lambda file: file.name)), set_aside).write(folder)
    if not keep_archive:
        for archive in archives:
            (folder / archive.name).unlink(missing_ok=True)
    size = sum(file.size for file in delivered)
    return DownloadSummary(folder, len(delivered), size, fetched.files, set_aside, tuple(archives))


def _ask(publisher: Publisher, means: _Means) -> Offer:
    web = Web(means.patience, means.mirror, threading.Event())
    try:
        return publisher.offer(web)
    finally:
        web.close()


def _holds(receipt: Receipt, folder: Path, on_progress: OnProgress) -> bool:
    total = sum(file.size for file in receipt.files)
    return receipt.holds(
        folder, lambda files, size: on_progress(Progress("checking", files, len(receipt.files), size, total))
    )


def _missing_size(offer: Offer, folder: Path) -> int:
    """Number of bytes still to be received, as far as sizes are published."""
    return sum(max(0, file.size - received(folder / file.name)) for file in offer.files if file.size is not None)


def _write(document: Document, folder: Path) -> None:
    target = folder / document.name
    if target.is_file() and target.read_bytes() == document.content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as part:
        part.write_bytes(document.content)


def _delivered(folder: Path, file: RemoteFile) -> ReceivedFile:
    path = folder / file.name
    return ReceivedFile(file.name, path.stat().st_size, file.digest or Digest.of(path, _DIGEST))


def _describe(folder: Path, file: RemoteFile) -> Archive:
    path = folder / file.name
    return Archive(file.name, path.stat().st_size, Digest.of(path, _DIGEST).value, file.digest is not None)


def _unpack(folder: Path, file: RemoteFile, on_progress: OnProgress) -> Sequence[ReceivedFile]:
    archive = folder / file.name
    try:
        unpacked = unpack(
            archive,
            archive.parent,
            file.unpack,
            lambda files, total_files, size, total: on_progress(Progress("unpacking", files, total_files, size, total)),
        )
    except ArchiveError:
        # The next run would take it for a finished download.
        archive.unlink(missing_ok=True)
        raise
    below = archive.parent.relative_to(folder)
    return [replace(file, name=str(below / file.name)) for file in unpacked]
