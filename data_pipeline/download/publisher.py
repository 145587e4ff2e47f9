"""Who publishes a corpus, under which terms, and which files."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from data_pipeline.download.remote_file import RemoteFile
from data_pipeline.download.web import Web
from data_pipeline.errors import SetAside


@dataclass(frozen=True, slots=True)
class Document:
    """A short file that came with a listing.

    Attributes:
        name: Path below the corpus's folder.
        content: Content of the file.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """The files that a publisher has of a corpus.

    Attributes:
        files: Files to be downloaded.
        documents: Short files that were received with the listing.
        set_aside: Clips that the publisher lists but does not have.
    """

    files: tuple[RemoteFile, ...]
    documents: tuple[Document, ...] = ()
    set_aside: tuple[SetAside, ...] = ()


class Publisher(ABC):
    """The publisher of a corpus.

    Attributes:
        corpus: Name of the corpus (`crema_d`).
        terms: What its licence means for those who download it, in a sentence.
        assurance: How the files are checked, in a sentence.
    """

    corpus: str
    terms: str
    assurance: str

    @abstractmethod
    def offer(self, web: Web) -> Offer:
        """The files to download.

        Raises:
            DownloadError: If a listing cannot be read.
        """
