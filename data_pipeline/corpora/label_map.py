"""What each corpus calls each emotion: one table for all of them."""

from dataclasses import dataclass

from data_pipeline.emotion import Emotion


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one emotion.

    Attributes:
        crema_d: Code in CREMA-D's file names; the synthetic corpus uses the same codes.
        ravdess: Third number in RAVDESS's file names.
        tess: Last word in TESS's file names.
        savee: Letters in SAVEE's file names.
        emodb: Sixth letter in EmoDB's file names, the initial of the German word.
        words: Words that people write in manifests and folder names.
    """

    crema_d: str = ""
    ravdess: str = ""
    tess: str = ""
    savee: str = ""
    emodb: str = ""
    words: tuple[str, ...] = ()


# fmt: off
LABEL_MAP: dict[Emotion, Names] = {
    #                         crema_d ravdess tess    savee emodb
    Emotion.ANGER:     Names("ANG", "05", "angry",   "a",  "W", ("anger", "angry", "ang", "mad")),
    Emotion.DISGUST:   Names("DIS", "07", "disgust", "d",  "E", ("disgust", "disgusted", "dis")),
    Emotion.FEAR:      Names("FEA", "06", "fear",    "f",  "A", ("fear", "fearful", "afraid", "anxiety", "fea")),
    Emotion.HAPPINESS: Names("HAP", "03", "happy",   "h",  "F", ("happiness", "happy", "joy", "joyful", "hap")),
    Emotion.NEUTRAL:   Names("NEU", "01", "neutral", "n",  "N", ("neutral", "neu")),
    Emotion.SADNESS:   Names("SAD", "04", "sad",     "sa", "T", ("sadness", "sad")),
    Emotion.BOREDOM:   Names("",    "",   "",        "",   "L", ("boredom", "bored")),
    Emotion.CALM:      Names("",    "02", "",        "",   "",  ("calm", "calmness")),
    Emotion.SURPRISE:  Names("",    "08", "ps",      "su", "",  (
        "surprise", "surprised", "pleasant_surprise", "pleasant_surprised", "ps", "sur",
    )),
}
# fmt: on
"""Names by emotion. RAVDESS's calm and EmoDB's boredom are labels of their own; they are not merged into neutral."""

LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
"""Codes of CREMA-D for how strongly its actors were asked to act, with the words of `Clip.intensity`."""

_BY_WORD = {word: emotion for emotion, names in LABEL_MAP.items() for word in names.words}


def emotions_of(corpus: str) -> dict[str, Emotion]:
    """The emotion that each code of a corpus stands for.

    Args:
        corpus: Name of a column of the table (`crema_d`).
    """
    return {code: emotion for emotion, names in LABEL_MAP.items() if (code := getattr(names, corpus))}


def emotion_named(word: str) -> Emotion | None:
    """The emotion that a person means by a word.

    Args:
        word: A word in upper or lower case, with spaces, hyphens or underscores.

    Returns:
        The emotion, or None if the table does not have the word.
    """
    return _BY_WORD.get(word.strip().lower().replace(" ", "_").replace("-", "_"))
