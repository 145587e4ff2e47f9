"""What a corpus is to this project: a folder layout, a licence and a speaker split."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from data_pipeline.clip import Clip
from data_pipeline.splits import Side, shuffled_speakers


class Corpus(ABC):
    """Turns a folder into clips, and says where the folder comes from.

    A subclass sets the attributes, implements `clips`, and is listed in `data_pipeline.corpora.CORPORA`.

    Attributes:
        name: How commands and records call it (`crema_d`).
        title: Its full name.
        speakers: How many there are, in words (`91 actors`).
        licence: Under which its audio may be used.
        url: Where to get it or read about it; empty for one that is made on the spot.
        synthetic: Whether its speech is made by a machine; every report made from it must say so.
    """

    name: str
    title: str
    speakers: str
    licence: str
    url: str
    synthetic: bool = False

    @abstractmethod
    def clips(self, source: Path) -> list[Clip]:
        """Every clip found under `source`, by name; nothing is decoded.

        Args:
            source: The corpus's folder.

        Returns:
            At least one clip, sorted by name; names are unique.

        Raises:
            UserError: If `source` is missing, is not a folder, or holds no clip of this corpus.
        """

    def sides(self, speakers: Iterable[str]) -> dict[str, Side]:
        """The corpus's own speaker split: which side each speaker is on.

        Args:
            speakers: Ids of the speakers on disk.

        Returns:
            A side for each of them. Unless a corpus has a published split, the speakers at hand are shuffled
            with a fixed seed and cut 70/10/20.
        """
        return shuffled_speakers(speakers)
