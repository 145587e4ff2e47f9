"""The receipt that a finished download leaves in its folder, by which a later run can tell that nothing is missing."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.download.remote_file import Digest, ReceivedFile, RemoteFile
from data_pipeline.errors import SetAside, UserError
from data_pipeline.storage.atomic_file import write_text

_NAME = ".download.json"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A finished download.

    Attributes:
        corpus: Name of the corpus.
        files: All files that were written, except archives.
        set_aside: Clips that could not be downloaded.
    """

    corpus: str
    files: tuple[ReceivedFile, ...]
    set_aside: tuple[SetAside, ...] = ()

    def write(self, folder: Path) -> None:
        """Write the receipt into the folder of the corpus."""
        content = {
            "corpus": self.corpus,
            "files": [[file.name, file.size, str(file.digest)] for file in self.files],
            "set_aside": [[clip.file, clip.reason] for clip in self.set_aside],
        }
        write_text(folder / _NAME, json.dumps(content, indent=0))

    @classmethod
    def read(cls, folder: Path) -> "Receipt | None":
        """The receipt in a folder, or None where there is no readable one."""
        try:
            content = json.loads((folder / _NAME).read_text(encoding="utf-8"))
            return cls(
                content["corpus"],
                tuple(ReceivedFile(name, int(size), Digest.parse(digest)) for name, size, digest in content["files"]),
                tuple(SetAside(file, reason) for file, reason in content["set_aside"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def holds(self, folder: Path, on_file: Callable[[int, int], None] = lambda *_: None) -> bool:
        """Whether every file is still there, with its size and checksum.

        Args:
            folder: Folder of the corpus.
            on_file: Called with the number of files and bytes that have been checked.
        """
        size = 0
        for done, file in enumerate(self.files):
            path = folder / file.name
            on_file(done, size)
            if not path.is_file() or RemoteFile("", file.name, file.size, file.digest).difference(path):
                return False
            size += file.size
        on_file(len(self.files), size)
        return True


def refuse_other_corpus(folder: Path, corpus: str) -> None:
    """Refuse a folder that holds another corpus.

    Raises:
        UserError: If the folder holds another corpus's download.
    """
    receipt = Receipt.read(folder)
    if receipt is not None and receipt.corpus != corpus:
        raise UserError(f"{folder} holds {receipt.corpus}: give {corpus} a folder of its own")
