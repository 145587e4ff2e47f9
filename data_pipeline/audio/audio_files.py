"""Which files of a folder are audio, and which are passed over, so that none goes unnoticed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from data_pipeline.audio.audio_file import AUDIO_SUFFIXES
from data_pipeline.storage import storage_for
from data_pipeline.storage.stored_file import StoredFile


@dataclass(frozen=True, slots=True)
class FoundAudio:
    """The files of a folder.

    Attributes:
        audio: Files with one of `AUDIO_SUFFIXES`, in the order in which they were given.
        others: Files with other suffixes.
    """

    audio: tuple[StoredFile, ...]
    others: tuple[StoredFile, ...]


def audio_among(files: Iterable[StoredFile]) -> FoundAudio:
    """Divide files into audio and others, by their suffixes.

    Args:
        files: Any files.
    """
    files = list(files)
    return FoundAudio(
        audio=tuple(file for file in files if file.suffix in AUDIO_SUFFIXES),
        others=tuple(file for file in files if file.suffix not in AUDIO_SUFFIXES),
    )


def audio_in(place: str) -> FoundAudio | None:
    """The files below a folder, or None if there is no folder.

    Args:
        place: A path or a URL.
    """
    storage = storage_for(place)
    return audio_among(storage.walk(place)) if storage.kind(place) == "folder" else None


def by_suffix(names: Iterable[str]) -> str:
    """How many files of each kind there are, in words: `12 .txt, 1 without a suffix`.

    Args:
        names: Paths of files.
    """
    suffixes = Counter(StoredFile("", name, 0, 0).suffix for name in names)
    return ", ".join(f"{count:,} {suffix or 'without a suffix'}" for suffix, count in suffixes.most_common())
