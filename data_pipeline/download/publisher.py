"""Who publishes a corpus, on which terms, and which files that means."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from data_pipeline.download.remote_file import RemoteFile
from data_pipeline.download.web import Web
from data_pipeline.errors import SetAside


@dataclass(frozen=True, slots=True)
class Document:
    """A short file that came along with a listing.

    Attributes:
        name: Its path below the corpus's folder.
        content: Its bytes.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """What a publisher has of a corpus.

    Attributes:
        files: To be downloaded.
        documents: Already here.
        set_aside: Clips that the publisher lists and does not have.
    """

    files: tuple[RemoteFile, ...]
    documents: tuple[Document, ...] = ()
    set_aside: tuple[SetAside, ...] = ()


class Publisher(ABC):
    """Where a corpus comes from.

    Attributes:
        corpus: Its name (`crema_d`).
        terms: What its licence means for whoever downloads it, in a sentence.
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
