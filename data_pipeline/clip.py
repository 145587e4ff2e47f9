"""One utterance of a corpus, as its files and tables describe it."""

from dataclasses import dataclass

from data_pipeline.emotion import Emotion
from data_pipeline.splits import SplitName
from data_pipeline.storage.stored_file import StoredFile


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance on disk with everything its corpus says of it.

    Attributes:
        file: The audio file.
        name: Unique within the corpus, usually the file's stem (`1001_IEO_NEU_XX`).
        corpus: Name of the corpus (`crema_d`).
        speaker: Unique within the corpus (`1001`).
        emotion: The emotion that the speaker was asked to act, or that a recording was labelled with.
        votes: How many listeners heard each emotion in the voice alone, or None where nobody was asked.
        intensity: Acted level (`low`, `medium`, `high`, `unspecified`; `normal` or `strong` in RAVDESS), or an empty
            string.
        sentence: The corpus's code of the words spoken (`IEO`), or an empty string.
        repetition: Which take of the same sentence and emotion by the same speaker, or an empty string.
        sex: `female`, `male`, or an empty string where unknown.
        age: Years, or None where unknown.
        race: As the corpus words it, or an empty string.
        ethnicity: As the corpus words it, or an empty string.
        start: Seconds into the file at which the utterance begins.
        end: Seconds into the file at which it ends, or None for the file's end.
        split: The split that it is in, where the corpus itself says so (a manifest's split column, a folder's name).
        speaker_known: False where nothing tells who speaks, so that `speaker` is its file's alone.
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
