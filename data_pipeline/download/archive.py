"""Zip archives of corpora, unpacked without trusting what they say about themselves."""

import errno
import hashlib
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from data_pipeline.download.remote_file import Digest, ReceivedFile, safe_name
from data_pipeline.errors import UserError
from data_pipeline.storage.claimed_folder import require_space

_BLOCK = 1 << 18


class ArchiveError(UserError):
    """An archive that is damaged or would write outside its folder."""


def unpack(
    archive: Path,
    folder: Path,
    suffixes: tuple[str, ...],
    on_progress: Callable[[int, int, int, int], None] = lambda *_: None,
) -> list[ReceivedFile]:
    """Unpack the wanted files of a zip archive.

    They are written into a hidden folder and moved from there when all of them are complete, so that a damaged archive
    leaves nothing behind. Their checksums (CRC-32) are checked.

    Args:
        archive: The zip file.
        folder: Folder for the files, which must exist. Files with the same names are replaced.
        suffixes: Suffixes of the wanted files, in lower case.
        on_progress: Called with the number of files that are done and of all files, of bytes that are done and of all
            bytes.

    Returns:
        The files, in the order of the archive.

    Raises:
        ArchiveError: If it is no zip archive, is damaged, holds no wanted file, or names a file outside `folder`.
        UserError: If there is too little free space.
        OSError: If a file cannot be written.
    """
    hidden = folder / ".unpacking"
    # An earlier run may have been killed while it unpacked.
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            members = _wanted(file, archive, suffixes)
            require_space(folder, sum(member.file_size for member in members), f"unpacking {archive.name}")
            unpacked = _extract(file, members, hidden, on_progress)
            for item in unpacked:
                (folder / item.name).parent.mkdir(parents=True, exist_ok=True)
                (hidden / item.name).replace(folder / item.name)
    # zipfile raises RuntimeError for members that are encrypted or compressed in an unknown way.
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError) as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        # Errors of the bzip2 decoder have no number, unlike those of the system; with a damaged directory zipfile seeks
        # before the beginning.
        if error.errno is None or (error.errno == errno.EINVAL and error.filename is None):
            raise _damaged(archive, error) from error
        raise
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return unpacked


def _damaged(archive: Path, error: Exception) -> ArchiveError:
    return ArchiveError(f"{archive} cannot be unpacked ({error}): delete it and run the command again")


def _wanted(file: zipfile.ZipFile, archive: Path, suffixes: tuple[str, ...]) -> list[zipfile.ZipInfo]:
    for member in file.infolist():
        # `orig_filename` is the name in the archive; zipfile cuts `filename` at a zero byte.
        try:
            safe_name(member.orig_filename)
        except ValueError as error:
            raise ArchiveError(
                f"{archive} would write outside its folder ({error}): nothing was unpacked; delete it and do not use "
                "its source"
            ) from error
    wanted = [
        member
        for member in file.infolist()
        if not member.is_dir()
        and PurePosixPath(member.filename).suffix.lower() in suffixes
        and not any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(member.filename).parts)
    ]
    if not wanted:
        raise ArchiveError(f"{archive} holds no {' or '.join(suffixes)} file: delete it and check its source")
    return wanted


def _extract(
    file: zipfile.ZipFile,
    members: list[zipfile.ZipInfo],
    hidden: Path,
    on_progress: Callable[[int, int, int, int], None],
) -> list[ReceivedFile]:
    total = sum(member.file_size for member in members)
    done = 0
    unpacked: dict[str, ReceivedFile] = {}
    for index, member in enumerate(members):
        on_progress(index, len(members), done, total)
        name = safe_name(member.filename)
        target = hidden / name
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with file.open(member) as source, target.open("wb") as out:
            while block := source.read(_BLOCK):
                digest.update(block)
                out.write(block)
        done += member.file_size
        unpacked[name] = ReceivedFile(name, member.file_size, Digest("sha256", digest.hexdigest()))
    on_progress(len(members), len(members), done, total)
    return list(unpacked.values())
