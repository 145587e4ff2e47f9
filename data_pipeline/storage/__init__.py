"""Files on this machine, or in a store that Apache Beam can reach (`gs://`, `s3://`, `hdfs://` …).

Corpora, `prepare` and its workers use files only through `Storage`, so that the same code runs on a laptop and on a
Dataflow worker.

- `stored_file`: a file and the interface of a storage; `local`, `beam`: the two storages.
- `atomic_file`: files that appear whole or not at all; `claimed_folder`: folders that one run at a time writes to.
"""

from data_pipeline.storage.stored_file import Storage, StoredFile

__all__ = ["Storage", "StoredFile", "is_remote", "join", "storage_for"]


def is_remote(location: str) -> bool:
    """Whether a location is a URL and not a path on this machine."""
    return "://" in location


def storage_for(location: str) -> Storage:
    """The storage of a location.

    Args:
        location: A path on this machine, or a URL of a scheme that Apache Beam knows.

    Raises:
        UserError: If it is a URL and Apache Beam, or its part for this scheme, is not installed.
    """
    if is_remote(location):
        from data_pipeline.storage.beam import BeamStorage

        return BeamStorage.for_scheme(location)
    from data_pipeline.storage.local import LocalStorage

    return LocalStorage()


def join(folder: str, name: str) -> str:
    """The location of a file below a folder."""
    return f"{folder.rstrip('/')}/{name}"
