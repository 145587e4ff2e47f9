"""One piece of audio to be checked, with what is known of it."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.decode import decode
from data_pipeline.audio.track import Track
from data_pipeline.clip import Clip
from data_pipeline.emotion import Emotion
from data_pipeline.splits import SplitName
from data_pipeline.storage.stored_file import StoredFile

DEADLY = "crashes or blocks the decoder: its data are broken"
"""Why a recording cannot be used at which a worker process died, worded to follow the file's name."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A clip of a corpus, or an audio file about which nothing else is known.

    Attributes:
        corpus: Name of the corpus, or the place where an unlabelled file was found.
        name: Name of the clip, or path of the file below that place.
        location: Path or URL of the file.
        size: Size of the file in bytes.
        start: Seconds into the file at which the recording begins.
        end: Seconds into the file at which it ends, or None for the file's end.
        track: Channel that holds it, or None to take channels that are the same.
        speaker: Speaker, or an empty string where unknown.
        emotion: Label, or None where there is none.
        split: Split of the speaker in the corpus's speaker split, or None where there is none.
    """

    corpus: str
    name: str
    location: str
    size: int
    start: float = 0.0
    end: float | None = None
    track: Track | None = None
    speaker: str = ""
    emotion: Emotion | None = None
    split: SplitName | None = None

    @property
    def title(self) -> str:
        """`corpus/name`, as shown to people."""
        return f"{self.corpus}/{self.name}"

    def decode(self) -> np.ndarray:
        """The samples, int16 [samples] at 16 kHz; see `audio.decode.decode`."""
        return decode(self.location, self.start, self.end, track=self.track)


def of_clip(clip: Clip, split: SplitName | None) -> Recording:
    """The recording of a clip.

    Args:
        clip: A clip of a corpus.
        split: The split of its speaker in the corpus's speaker split.
    """
    return Recording(
        corpus=clip.corpus,
        name=clip.name,
        location=clip.file.location,
        size=clip.file.size,
        start=clip.start,
        end=clip.end,
        track=clip.track,
        speaker=clip.speaker if clip.speaker_known else "",
        emotion=clip.emotion,
        split=split,
    )


def of_file(corpus: str, file: StoredFile) -> Recording:
    """The recording of a file about which nothing but its place is known.

    Args:
        corpus: Name to give to the place.
        file: A file found there.
    """
    return Recording(corpus, file.name, file.location, file.size)
