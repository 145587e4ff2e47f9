"""A store for objects that Apache Beam reaches as `bucket://`, kept in a folder of this machine.

Beam finds file systems among the subclasses of `FileSystem`, so that importing this module is enough.
"""

import os
from pathlib import Path

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem

ROOT_VARIABLE = "SER_TEST_BUCKET"


class BucketFileSystem(FileSystem):
    """Objects without folders: a name may hold slashes, and there is no such thing as an empty folder."""

    @classmethod
    def scheme(cls):
        return "bucket"

    def has_dirs(self):
        return False

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path):
        raise BeamIOError(f"{path} cannot be made: this store has no folders")

    def _path(self, location):
        return Path(os.environ[ROOT_VARIABLE]) / location.removeprefix("bucket://")

    def _list(self, dir_or_prefix):
        root = Path(os.environ[ROOT_VARIABLE])
        for path in sorted(root.rglob("*")):
            location = "bucket://" + path.relative_to(root).as_posix()
            if path.is_file() and location.startswith(dir_or_prefix):
                yield FileMetadata(location, path.stat().st_size, path.stat().st_mtime)

    def create(self, path, mime_type="application/octet-stream", compression_type=CompressionTypes.AUTO):
        self._path(path).parent.mkdir(parents=True, exist_ok=True)
        return self._path(path).open("wb")

    def open(self, path, mime_type="application/octet-stream", compression_type=CompressionTypes.AUTO):
        try:
            return self._path(path).open("rb")
        except OSError as error:
            raise BeamIOError("open failed", {path: error}) from error

    def copy(self, source_file_names, destination_file_names):
        raise BeamIOError("this store moves objects and copies none")

    def rename(self, source_file_names, destination_file_names):
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            if self._path(destination).exists():
                raise BeamIOError("rename failed", {destination: "exists"})
            self._path(source).rename(self._path(destination))

    def exists(self, path):
        return self._path(path).is_file()

    def size(self, path):
        return self._path(path).stat().st_size

    def last_updated(self, path):
        return self._path(path).stat().st_mtime

    def checksum(self, path):
        raise BeamIOError("this store keeps no checksums")

    def metadata(self, path):
        return FileMetadata(path, self.size(path), self.last_updated(path))

    def delete(self, paths):
        for path in paths:
            self._path(path).unlink()
