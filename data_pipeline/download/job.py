"""The whole of a download: what is there, what is to come, fetched, unpacked and signed for."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.download.archive import ArchiveError, unpack
from data_pipeline.download.fetch import received
from data_pipeline.download.free_space import require_space
from data_pipeline.download.parallel import fetch_all
from data_pipeline.download.progress import OnProgress, Progress
from data_pipeline.download.publisher import Document, Offer, Publisher
from data_pipeline.download.publishers import publisher_of
from data_pipeline.download.receipt import Delivered, Receipt, refuse_other_corpus
from data_pipeline.download.remote_file import Digest, RemoteFile
from data_pipeline.download.web import NotOnServer, Patience, Web, at_mirror, check_mirror
from data_pipeline.errors import SetAside, UserError
from data_pipeline.storage.atomic_file import replacing
from data_pipeline.storage.claimed_folder import claimed

_DIGEST = "sha256"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that was downloaded.

    Attributes:
        name: Of the file.
        size: In bytes.
        sha256: In hexadecimal.
        verified: Whether its publisher's checksum was right; False where none is published.
    """

    name: str
    size: int
    sha256: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """What a download did.

    Attributes:
        folder: Where the corpus lies.
        files: How many files of the corpus are there now.
        size: Bytes of them.
        fetched: How many files were downloaded in this run.
        set_aside: Clips that could not be had, with reasons.
        archives: Those downloaded and unpacked in this run.
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
) -> Summary:
    """Fetch a corpus from its publisher. Whoever calls this has accepted the corpus's licence.

    Interrupted at any moment, it goes on where it stopped when it is called again; on a finished download it only
    checks the files.

    Args:
        corpus: Its name (`crema_d`).
        folder: Where to; made if it is missing, and removed again if nothing comes.
        mirror: Address of a server that keeps each host's files in a folder named as the host, or None for the
            publishers' own servers.
        workers: How many files to fetch at a time.
        keep_archive: Whether archives stay after they have been unpacked.
        patience: With servers.
        on_progress: Told how far it has come.

    Returns:
        What was done.

    Raises:
        UserError: If the corpus cannot be fetched, the folder cannot be written, has too little room or is being
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
    """How files are fetched; see `download`."""

    mirror: str | None
    workers: int
    patience: Patience


def _download(
    publisher: Publisher, folder: Path, means: _Means, keep_archive: bool, on_progress: OnProgress
) -> Summary:
    corpus = publisher.corpus
    receipt = Receipt.read(folder)
    if receipt is not None and not receipt.set_aside and _holds(receipt, folder, on_progress):
        return Summary(folder, len(receipt.files), sum(file.size for file in receipt.files), fetched=0)

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
    return Summary(folder, len(delivered), size, fetched.files, set_aside, tuple(archives))


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
    """Bytes still to be received, as far as sizes are published."""
    return sum(max(0, file.size - received(folder / file.name)) for file in offer.files if file.size is not None)


def _write(document: Document, folder: Path) -> None:
    target = folder / document.name
    if target.is_file() and target.read_bytes() == document.content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as part:
        part.write_bytes(document.content)


def _delivered(folder: Path, file: RemoteFile) -> Delivered:
    path = folder / file.name
    return Delivered(file.name, path.stat().st_size, file.digest or Digest.of(path, _DIGEST))


def _describe(folder: Path, file: RemoteFile) -> Archive:
    path = folder / file.name
    return Archive(file.name, path.stat().st_size, Digest.of(path, _DIGEST).value, file.digest is not None)


def _unpack(folder: Path, file: RemoteFile, on_progress: OnProgress) -> Sequence[Delivered]:
    archive = folder / file.name
    try:
        unpacked = unpack(
            archive,
            archive.parent,
            file.unpack,
            lambda files, total_files, size, total: on_progress(Progress("unpacking", files, total_files, size, total)),
        )
    except ArchiveError:
        # Left there, it would be taken for a finished download by the next run.
        archive.unlink(missing_ok=True)
        raise
    below = archive.parent.relative_to(folder)
    return [Delivered(str(below / item.name), item.size, item.digest) for item in unpacked]
