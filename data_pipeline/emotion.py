"""The emotions that the project knows, and the order in which models name them."""

from enum import StrEnum


class Emotion(StrEnum):
    """A categorical emotion label; its value is the word used in files, reports and answers."""

    ANGER = "anger"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPINESS = "happiness"
    NEUTRAL = "neutral"
    SADNESS = "sadness"


LABELS: tuple[Emotion, ...] = tuple(Emotion)
"""The label order of every model output: CREMA-D's six, alphabetically."""

PALETTE: dict[Emotion, str] = {
    Emotion.ANGER: "#D55E00",
    Emotion.DISGUST: "#009E73",
    Emotion.FEAR: "#CC79A7",
    Emotion.HAPPINESS: "#E69F00",
    Emotion.NEUTRAL: "#7F7F7F",
    Emotion.SADNESS: "#0072B2",
}
"""One colour an emotion, the same in every plot and report: Okabe and Ito's set for colour-blind readers
(Color Universal Design, 2008), with grey for neutral."""
