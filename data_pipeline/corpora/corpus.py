"""What a corpus is to this project: a folder layout, a licence and a speaker split."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.audio.audio_file import AUDIO_SUFFIXES
from data_pipeline.audio.audio_files import audio_among
from data_pipeline.clip import Clip
from data_pipeline.emotion import LABELS, Emotion
from data_pipeline.errors import SetAside, UserError
from data_pipeline.splits import SplitName, shuffled_splits
from data_pipeline.storage import storage_for
from data_pipeline.storage.stored_file import StoredFile


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found of a corpus; nothing has been decoded.

    Attributes:
        clips: At least one clip, sorted by name; names are unique.
        set_aside: Clips that cannot be used as they are described, such as a line of a manifest without an emotion.
        ignored: Paths below the corpus's folder of audio files that lie among the clips and whose names do not belong
            to the corpus.
        elsewhere: Paths of such audio files in folders without clips; they may belong to another corpus.
        others: Paths of files that are not audio by their suffixes.
    """

    clips: tuple[Clip, ...]
    set_aside: tuple[SetAside, ...] = ()
    ignored: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Corpus(ABC):
    """A corpus: finds its clips and says where it comes from.

    A subclass sets the attributes, implements `read`, and is listed in `data_pipeline.corpora.CORPORA`.

    Attributes:
        name: Name in commands and records (`crema_d`).
        title: Full name.
        size: Number of clips and hours, in words (`7,442 clips, 5.3 h`).
        speakers: Number of speakers, in words (`91 actors`).
        language: Language of its speech.
        emotions: Emotions that its clips are labelled with.
        licence: Licence of its audio.
        url: Address of its publisher; empty for a corpus that is made on the spot.
        caution: What is known to be wrong with copies of it; empty if nothing is.
        synthetic: Whether its speech is made by a machine; every report made from it must say so.
        acted: Whether its speakers acted their emotions; reports then say that nothing is known about felt emotions.
    """

    name: str
    title: str
    size: str
    speakers: str
    language: str
    emotions: tuple[Emotion, ...] = LABELS
    licence: str
    url: str
    caution: str = ""
    synthetic: bool = False
    acted: bool = True

    @abstractmethod
    def read(self, source: str) -> Listing:
        """Find the clips at `source`; nothing is decoded.

        Args:
            source: The corpus's folder or file, a path or a URL.

        Raises:
            UserError: If `source` is missing, is of the wrong kind, or holds no clip of this corpus.
        """

    def clips(self, source: Path | str) -> list[Clip]:
        """The clips of `read`, as a list."""
        return list(self.read(str(source)).clips)

    def speaker_splits(self, clips: Sequence[Clip]) -> dict[str, SplitName]:
        """The corpus's own speaker split.

        Args:
            clips: The clips at hand, of this corpus.

        Returns:
            The split of each of their speakers: the one that the clips state, or else that of a published split. Where
            there is neither, the speakers at hand are shuffled with a fixed seed and cut 70/10/20, so that each split
            has its share of women and men.

        Raises:
            UserError: If clips put a speaker in two splits, or state splits for some speakers and not for others.
        """
        return given_splits(clips) or shuffled_splits({clip.speaker: clip.sex for clip in clips})


def given_splits(clips: Sequence[Clip]) -> dict[str, SplitName]:
    """The splits that clips of the user's own recordings state.

    Args:
        clips: All clips of one corpus.

    Returns:
        The split of each of their speakers; empty if no clip states one.

    Raises:
        UserError: If they put a speaker in two splits, or state splits for some speakers and not for others.
    """
    first: dict[str, tuple[SplitName, Clip]] = {}
    for clip in clips:
        if clip.split is None:
            continue
        split, other = first.setdefault(clip.speaker, (clip.split, clip))
        if split != clip.split:
            raise UserError(
                f"the speaker {clip.speaker!r} is in two splits, {split} ({other.file.location}) and "
                f"{clip.split} ({clip.file.location}): put every speaker in one"
            )
    missing = next((clip for clip in clips if clip.speaker not in first), None) if first else None
    if missing is not None:
        split, example = next(iter(first.values()))
        raise UserError(
            f"{example.file.location} is put in the split {split} and {missing.file.location} (speaker "
            f"{missing.speaker!r}) in none: name a split for every speaker, or for none"
        )
    return {speaker: split for speaker, (split, _) in first.items()}


class FolderCorpus(Corpus):
    """A corpus whose file names say what the files hold, wherever they lie below its folder.

    Attributes:
        example: Name of one of its files, for messages.
    """

    example: str

    @abstractmethod
    def describe(self, file: StoredFile) -> Clip | None:
        """The clip that a file name describes, or None if the name does not belong to this corpus.

        Args:
            file: A file with one of `AUDIO_SUFFIXES`.
        """

    def describer(self, source: str, files: Sequence[StoredFile]) -> Callable[[StoredFile], Clip | None]:  # noqa: ARG002
        """A function like `describe` that also uses the tables beside the clips.

        Args:
            source: The corpus's folder.
            files: All files below it.

        Raises:
            UserError: If a table is unreadable.
        """
        return self.describe

    def read(self, source: str) -> Listing:
        """Find every clip below a folder, at any depth.

        Some mirrors hold a clip twice. The file in the shallower folder is taken, and in the same folder the one whose
        suffix comes first in `AUDIO_SUFFIXES`.

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
        found = audio_among(files)
        describe = self.describer(source, files)
        clips: dict[str, Clip] = {}
        strangers: list[StoredFile] = []
        for file in sorted(found.audio, key=_preference):
            clip = describe(file)
            if clip is None:
                strangers.append(file)
            else:
                clips.setdefault(clip.name, clip)
        if not clips:
            raise UserError(f"{source} holds no {self.name} clip: {expected}")
        # Files that lie among clips and are none are reported; files in other folders are reported apart.
        homes = {clip.file.folder for clip in clips.values()} | {""}
        strangers.sort(key=lambda file: file.name)
        return Listing(
            tuple(clips[name] for name in sorted(clips)),
            ignored=tuple(file.name for file in strangers if file.folder in homes),
            elsewhere=tuple(file.name for file in strangers if file.folder not in homes),
            others=tuple(file.name for file in found.others),
        )


def _preference(file: StoredFile) -> tuple[int, int, str]:
    return file.name.count("/"), AUDIO_SUFFIXES.index(file.suffix), file.name
