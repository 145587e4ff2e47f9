"""Files in a store that Apache Beam can reach: `gs://`, `s3://`, `hdfs://`, `azfs://`."""

import contextlib
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from data_pipeline.errors import UserError
from data_pipeline.storage.stored_file import StoredFile

_REQUESTS = 16
"""Number of requests at a time to a store, which answers each in tens of milliseconds."""


class BeamStorage:
    """Files in a store; `Storage` describes the methods.

    Args:
        file_systems: The class `apache_beam.io.filesystems.FileSystems`.
    """

    def __init__(self, file_systems: Any) -> None:
        self._file_systems = file_systems

    @classmethod
    def for_scheme(cls, location: str) -> "BeamStorage":
        """The storage of a URL's scheme.

        Raises:
            UserError: If Apache Beam, or what it needs for this scheme, is not installed.
        """
        scheme = location.partition("://")[0]
        try:
            from apache_beam.io.filesystems import FileSystems
        except ImportError as error:
            raise UserError(
                f"{location} needs Apache Beam, which is not installed: "
                "pip install apache-beam, or give a path of this machine"
            ) from error
        try:
            FileSystems.get_filesystem(location)
        except ValueError as error:
            extra = {"gs": "gcp", "s3": "aws", "azfs": "azure", "hdfs": "hadoop"}.get(scheme)
            remedy = f"pip install 'apache-beam[{extra}]'" if extra else "use gs://, s3://, azfs:// or hdfs://"
            raise UserError(
                f"{location} cannot be reached: Apache Beam here does not know {scheme}://; {remedy}"
            ) from error
        return cls(FileSystems)

    def kind(self, location: str) -> str:
        """See `Storage`; a folder exists where it has files."""
        if self._look_up(location):
            return "file"
        return "folder" if self._match(location, limits=[1]) else ""

    def walk(self, folder: str, hidden: bool = False) -> list[StoredFile]:
        """See `Storage`."""
        start = folder.rstrip("/") + "/"
        files = [
            StoredFile(found.path, found.path.removeprefix(start), found.size_in_bytes, _changed(found))
            for found in self._match(folder)
            # Stores without folders keep empty objects in place of folders.
            if not found.path.endswith("/")
        ]
        return sorted((file for file in files if hidden or not _is_hidden(file.name)), key=lambda file: file.name)

    def look_up(self, locations: Iterable[str]) -> dict[str, StoredFile]:
        """See `Storage`; files are looked up several at a time, since each is a request over the network."""
        with ThreadPoolExecutor(_REQUESTS) as executor:
            asked = list(locations)
            found = executor.map(self._look_up_any_form, asked)
            return {location: file for location, file in zip(asked, found, strict=True) if file is not None}

    def _look_up_any_form(self, location: str) -> StoredFile | None:
        """A file by its name or, failing that, by its name in one of Unicode's normal forms."""
        forms = dict.fromkeys([location, *(unicodedata.normalize(form, location) for form in ("NFC", "NFD"))])
        return next(filter(None, map(self._look_up, forms)), None)

    def _look_up(self, location: str) -> StoredFile | None:
        with _refusals(location, "looked up"):
            file_system = self._file_systems.get_filesystem(location)
            if location.endswith("/") or not file_system.exists(location):
                return None
            found = file_system.metadata(location)
        return StoredFile(location, location.rpartition("/")[2], found.size_in_bytes, _changed(found))

    def read(self, location: str, at_most: int = -1) -> bytes:
        """See `Storage`."""
        with _refusals(location, "read"), self._open(location, "open") as file:
            return file.read(at_most)

    @contextlib.contextmanager
    def replacing(self, location: str) -> Iterator[BinaryIO]:
        """See `Storage`."""
        # Not under its final name at first: closing the file after a failure would leave an incomplete one.
        part = f"{location}.part-{uuid.uuid4().hex}"
        with _refusals(location, "written"):
            try:
                with self._open(part, "create") as file:
                    yield file
                self.move({part: location})
            except BaseException:
                self.delete([part])
                raise

    def move(self, locations: Mapping[str, str]) -> None:
        """See `Storage`."""
        if not locations:
            return
        self.delete(locations.values())
        with _refusals(next(iter(locations)), "moved"):
            self._file_systems.rename(list(locations), list(locations.values()))

    def delete(self, locations: Iterable[str]) -> None:
        """See `Storage`."""
        with ThreadPoolExecutor(_REQUESTS) as executor:
            there = [file.location for file in executor.map(self._look_up, locations) if file is not None]
        if there:
            with _refusals(there[0], "deleted"):
                self._file_systems.delete(there)

    def remove_folder(self, folder: str) -> None:
        """See `Storage`."""
        self.delete([file.location for file in self.walk(folder, hidden=True)])

    def make_folder(self, folder: str) -> None:
        """See `Storage`; there is nothing to do in object stores, which have no folders."""
        if self._file_systems.get_filesystem(folder).has_dirs():
            # Beam raises an error for a folder that exists.
            with contextlib.suppress(OSError):
                self._file_systems.mkdirs(folder)

    def _open(self, location: str, how: str) -> contextlib.closing:
        from apache_beam.io.filesystem import CompressionTypes

        act = getattr(self._file_systems, how)
        return contextlib.closing(
            act(location, mime_type="application/octet-stream", compression_type=CompressionTypes.UNCOMPRESSED)
        )

    def _match(self, folder: str, limits: list[int] | None = None) -> list[Any]:
        """Metadata of the files below a folder."""
        with _refusals(folder, "listed"):
            (result,) = self._file_systems.match([folder.rstrip("/") + "/**"], limits)
            return result.metadata_list


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _changed(found: Any) -> int:
    seconds = getattr(found, "last_updated_in_seconds", None) or 0.0
    return int(seconds * 1e9)


@contextlib.contextmanager
def _refusals(location: str, what: str) -> Iterator[None]:
    """Raise the errors of a store (missing objects, missing rights, a broken network) as `UserError`."""
    from apache_beam.io.filesystem import BeamIOError

    try:
        yield
    except (BeamIOError, OSError) as error:
        raise UserError(f"{location} cannot be {what} ({error}): check the address and who may use it") from error
