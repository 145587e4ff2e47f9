"""One utterance of a corpus, as its files and tables describe it."""

from dataclasses import dataclass

from data_pipeline.audio.track import Track
from data_pipeline.emotion import Emotion
from data_pipeline.splits import SplitName
from data_pipeline.storage.stored_file import StoredFile


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance on disk with everything that its corpus says about it.

    Attributes:
        file: The audio file.
        name: Name of the clip, unique within the corpus, usually the stem of the file (`1001_IEO_NEU_XX`).
        corpus: Name of the corpus (`crema_d`).
        speaker: Identifier of the speaker, unique within the corpus (`1001`).
        emotion: Emotion that the speaker was asked to act, or that a recording was labelled with.
        votes: Number of listeners who heard each emotion in the voice alone, or None where there are no votes.
        intensity: Acted level (`low`, `medium`, `high`, `unspecified`; `normal` or `strong` in RAVDESS), or an empty
            string.
        sentence: Code of the corpus for the spoken words (`IEO`), or an empty string.
        repetition: Number of the take of the same sentence and emotion by the same speaker, or an empty string.
        sex: `female`, `male`, or an empty string where unknown.
        age: Age in years, or None where unknown.
        race: Race in the words of the corpus, or an empty string.
        ethnicity: Ethnicity in the words of the corpus, or an empty string.
        start: Seconds into the file at which the utterance begins.
        end: Seconds into the file at which it ends, or None for the end of the file.
        split: Split that the corpus itself states (the split column of a manifest, the name of a folder), or None.
        speaker_known: False where the speaker is unknown; `speaker` then stands for the speaker of this file.
        listened_to: Whether people have listened to it, as to the clips of a published corpus. No detector is asked
            then, which would miss some screams and whispers.
        track: Channel of the file that holds the utterance, or None to take channels that are the same.
    """

    file: StoredFile
    name: str
    corpus: str
    speaker: str
    emotion: Emotion
    votes: dict[Emotion, int] | None = None
    intensity: str = ""
    sentence: str = ""
    repetition: str = ""
    sex: str = ""
    age: int | None = None
    race: str = ""
    ethnicity: str = ""
    start: float = 0.0
    end: float | None = None
    split: SplitName | None = None
    speaker_known: bool = True
    listened_to: bool = False
    track: Track | None = None
