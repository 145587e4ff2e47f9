"""The user's own recordings, sorted into one folder per emotion."""

import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from data_pipeline.audio.audio_file import AUDIO_SUFFIXES
from data_pipeline.audio.audio_files import audio_among
from data_pipeline.clip import Clip
from data_pipeline.corpora.corpus import Corpus, Listing
from data_pipeline.corpora.label_map import emotion_named
from data_pipeline.corpora.unnamed_speaker import NO_VALUE
from data_pipeline.emotion import EMOTIONS, Emotion
from data_pipeline.errors import SetAside, UserError
from data_pipeline.splits import SplitName, split_named
from data_pipeline.storage import storage_for
from data_pipeline.storage.stored_file import StoredFile


class Folders(Corpus):
    """Audio below folders named after emotions: `angry/x.wav`, `angry/SPEAKER/x.wav` or `SPEAKER/angry/x.wav`.

    Any of them may lie below a folder named after a split: `train/angry/x.wav`.
    """

    name = "folders"
    title = "Your own recordings, in one folder per emotion"
    size = "your own"
    speakers = "your own; named by the other folders, as in angry/SPEAKER/x.wav"
    language = "your own"
    emotions = EMOTIONS
    licence = "your own"
    url = ""
    acted = False

    def read(self, source: str) -> Listing:
        """Find every audio file that lies in a folder named after an emotion.

        A folder named after a split (`train`, `validation`, `test` and the other words that a manifest may use) gives
        the clip's split. The names of all other folders, joined by `/`, give the speaker. A file without other folders,
        or with one that is named for no value (`nan`, `None`), counts as a speaker of its own. Where a file is there
        in two formats, the one whose suffix comes first in `AUDIO_SUFFIXES` is taken.

        Args:
            source: The folder.

        Raises:
            UserError: If `source` is missing, is not a folder, or holds no audio below an emotion's folder.
        """
        storage = storage_for(source)
        expected = "give a folder with audio in folders named after emotions (angry/x.wav)"
        kind = storage.kind(source)
        if kind != "folder":
            raise UserError(f"{source} {'is not a folder' if kind else 'does not exist'}: {expected}")
        clips: dict[str, Clip] = {}
        set_aside: list[SetAside] = []
        ignored: list[str] = []
        found = audio_among(storage.walk(source))
        for file in sorted(found.audio, key=lambda file: AUDIO_SUFFIXES.index(file.suffix)):
            path = _Path.of(file)
            if not path.emotions:
                ignored.append(file.name)
            elif len(path.emotions) > 1:
                words = " and ".join(path.emotions)
                set_aside.append(SetAside(file.name, f"lies in folders of several emotions ({words}): keep one"))
            elif len(path.splits) > 1:
                words = " and ".join(path.splits)
                set_aside.append(SetAside(file.name, f"lies in folders of several splits ({words}): keep one"))
            else:
                clip = self._clip(file, path)
                clips.setdefault(clip.name, clip)
        if not clips:
            raise UserError(f"{source} holds no audio in a folder named after an emotion: {expected}")
        return Listing(
            tuple(clips[name] for name in sorted(clips)),
            set_aside=tuple(sorted(set_aside, key=lambda clip: clip.file)),
            ignored=tuple(sorted(ignored)),
            others=tuple(file.name for file in found.others),
        )

    def _clip(self, file: StoredFile, path: "_Path") -> Clip:
        name = PurePosixPath(file.name).with_suffix("").as_posix()
        return Clip(
            file=file,
            name=name,
            corpus=self.name,
            speaker=path.speaker or f"unknown/{name}",
            emotion=path.emotions[0],
            split=next(iter(path.splits), None),
            speaker_known=bool(path.speaker),
        )


@dataclass(frozen=True, slots=True)
class _Path:
    """What the names of the folders say that a file lies in.

    Attributes:
        emotions: Emotions that folders are named after, each once.
        splits: Splits that folders are named after, each once.
        speaker: Names of all other folders, joined; empty if there are none, or one of them is a word of `NO_VALUE`.
    """

    emotions: tuple[Emotion, ...]
    splits: tuple[SplitName, ...]
    speaker: str

    @classmethod
    def of(cls, file: StoredFile) -> "_Path":
        emotions: dict[Emotion, None] = {}
        splits: dict[SplitName, None] = {}
        others = []
        for part in PurePosixPath(file.folder).parts:
            if emotion := emotion_named(part):
                emotions[emotion] = None
            elif split := split_named(part):
                splits[split] = None
            else:
                # The same name may be written with other code points below another emotion.
                others.append(unicodedata.normalize("NFC", part))
        unnamed = any(part in NO_VALUE for part in others)
        return cls(tuple(emotions), tuple(splits), "" if unnamed else "/".join(others))
