"""What a corpus is to this project: a folder layout, a licence and a speaker split."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.clip import Clip
from data_pipeline.corpora.given_splits import given_splits
from data_pipeline.emotion import LABELS, Emotion
from data_pipeline.errors import SetAside, UserError
from data_pipeline.splits import SplitName, shuffled_splits
from data_pipeline.storage import storage_for
from data_pipeline.storage.stored_file import StoredFile

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff")
"""Of files that may be clips. Of a clip that is there twice, the one with the earlier suffix is taken."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found of a corpus; nothing has been decoded.

    Attributes:
        clips: At least one, sorted by name; names are unique.
        set_aside: Clips that cannot be used as they are described, such as a manifest's line without an emotion.
        ignored: Audio files among the clips whose names are not of the corpus, by their paths below its folder.
        elsewhere: The same of audio files in folders without clips, which may well be of another corpus.
    """

    clips: tuple[Clip, ...]
    set_aside: tuple[SetAside, ...] = ()
    ignored: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


class Corpus(ABC):
    """Finds a corpus's clips, and says where the corpus comes from.

    A subclass sets the attributes, implements `read`, and is listed in `data_pipeline.corpora.CORPORA`.

    Attributes:
        name: How commands and records call it (`crema_d`).
        title: Its full name.
        size: How much there is, in words (`7,442 clips, 5.3 h`).
        speakers: How many there are, in words (`91 actors`).
        language: Spoken in it.
        emotions: That its clips are labelled with.
        licence: Under which its audio may be used.
        url: Where to get it or read about it; empty for one that is made on the spot.
        synthetic: Whether its speech is made by a machine; every report made from it must say so.
        acted: Whether its speakers were asked for their emotions; reports say that nothing is known of felt ones.
    """

    name: str
    title: str
    size: str
    speakers: str
    language: str
    emotions: tuple[Emotion, ...] = LABELS
    licence: str
    url: str
    synthetic: bool = False
    acted: bool = True

    @abstractmethod
    def read(self, source: str) -> Listing:
        """Everything found at `source`; nothing is decoded.

        Args:
            source: The corpus's folder or file, a path or a URL.

        Raises:
            UserError: If `source` is missing, is of the wrong kind, or holds no clip of this corpus.
        """

    def clips(self, source: Path | str) -> list[Clip]:
        """The clips of `read`, as a list."""
        return list(self.read(str(source)).clips)

    def speaker_splits(self, clips: Sequence[Clip]) -> dict[str, SplitName]:
        """The corpus's own speaker split: which split each speaker is in.

        Args:
            clips: Those at hand, of this corpus.

        Returns:
            The split of each of their speakers: that which the clips state, or else that of a published split. Where
            there is neither, the speakers at hand are shuffled with a fixed seed and cut 70/10/20, women and men
            alike.

        Raises:
            UserError: If clips put a speaker in two splits, or in none while others have one.
        """
        return given_splits(clips) or shuffled_splits({clip.speaker: clip.sex for clip in clips})


class FolderCorpus(Corpus):
    """A corpus whose files tell by their names what they hold, wherever they lie below its folder.

    Attributes:
        example: Name of one of its files, for messages.
    """

    example: str

    @abstractmethod
    def describe(self, file: StoredFile) -> Clip | None:
        """The clip that a file's name tells of, or None if the name is not of this corpus.

        Args:
            file: With one of `AUDIO_SUFFIXES`.
        """

    def describer(self, source: str, files: Sequence[StoredFile]) -> Callable[[StoredFile], Clip | None]:  # noqa: ARG002
        """`describe`, or the same with what tables beside the clips add.

        Args:
            source: The corpus's folder.
            files: All below it.

        Raises:
            UserError: If a table is unreadable.
        """
        return self.describe

    def read(self, source: str) -> Listing:
        """Every clip below a folder, at any depth.

        Of a clip that is there twice, as in some mirrors, the one in the shallower folder is taken, and in the same
        one that of the better format.

        Args:
            source: The folder.

        Raises:
            UserError: If `source` is missing, is not a folder, or holds no clip of this corpus; if a table cannot be
                read.
        """
        storage = storage_for(source)
        expected = f"give the folder that holds the corpus (files as {self.example})"
        kind = storage.kind(source)
        if kind != "folder":
            raise UserError(f"{source} {'is not a folder' if kind else 'does not exist'}: {expected}")
        files = storage.walk(source)
        audio = [file for file in files if file.suffix in AUDIO_SUFFIXES]
        describe = self.describer(source, files)
        clips: dict[str, Clip] = {}
        strangers: list[StoredFile] = []
        for file in sorted(audio, key=_preference):
            clip = describe(file)
            if clip is None:
                strangers.append(file)
            else:
                clips.setdefault(clip.name, clip)
        if not clips:
            raise UserError(f"{source} holds no {self.name} clip: {expected}")
        # Files that lie among clips are worth a word if they are none; what lies elsewhere is another matter.
        homes = {clip.file.folder for clip in clips.values()} | {""}
        strangers.sort(key=lambda file: file.name)
        return Listing(
            tuple(clips[name] for name in sorted(clips)),
            ignored=tuple(file.name for file in strangers if file.folder in homes),
            elsewhere=tuple(file.name for file in strangers if file.folder not in homes),
        )


def _preference(file: StoredFile) -> tuple[int, int, str]:
    return file.name.count("/"), AUDIO_SUFFIXES.index(file.suffix), file.name
