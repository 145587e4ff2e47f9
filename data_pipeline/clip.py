"""One utterance of a corpus, as its files and tables describe it."""

from dataclasses import dataclass
from pathlib import Path

from data_pipeline.emotion import Emotion


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance on disk with everything its corpus says of it.

    Attributes:
        path: The audio file.
        name: Unique within the corpus, usually the file's stem (`1001_IEO_NEU_XX`).
        corpus: Name of the corpus (`crema_d`).
        speaker: Unique within the corpus (`1001`).
        emotion: The emotion that the speaker was asked to act.
        votes: How many listeners heard each emotion in the voice alone, or None where nobody was asked.
        intensity: Acted level (`low`, `medium`, `high`, `unspecified`), or an empty string.
        sentence: The corpus's code of the words spoken (`IEO`), or an empty string.
        sex: `female`, `male`, or an empty string where unknown.
        age: Years, or None where unknown.
        race: As the corpus words it, or an empty string.
        ethnicity: As the corpus words it, or an empty string.
    """

    path: Path
    name: str
    corpus: str
    speaker: str
    emotion: Emotion
    votes: dict[Emotion, int] | None = None
    intensity: str = ""
    sentence: str = ""
    sex: str = ""
    age: int | None = None
    race: str = ""
    ethnicity: str = ""
