"""The emotions that the project knows, and the order in which models name them."""

from enum import StrEnum


class Emotion(StrEnum):
    """A categorical emotion label; its value is the word used in files, reports and answers.

    The first six are those of CREMA-D, the default labels of models. The others are kept in the records of the corpora
    that have them.
    """

    ANGER = "anger"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPINESS = "happiness"
    NEUTRAL = "neutral"
    SADNESS = "sadness"
    BOREDOM = "boredom"
    CALM = "calm"
    SURPRISE = "surprise"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)
"""All emotions, in the order of the votes in a record."""

LABELS: tuple[Emotion, ...] = EMOTIONS[:6]
"""Default labels in the order of model outputs: the six of CREMA-D, alphabetically."""

PALETTE: dict[Emotion, str] = {
    Emotion.ANGER: "#D55E00",
    Emotion.DISGUST: "#009E73",
    Emotion.FEAR: "#CC79A7",
    Emotion.HAPPINESS: "#E69F00",
    Emotion.NEUTRAL: "#7F7F7F",
    Emotion.SADNESS: "#0072B2",
    Emotion.BOREDOM: "#000000",
    Emotion.CALM: "#56B4E9",
    Emotion.SURPRISE: "#F0E442",
}
"""Colour of each emotion in every plot and report: the set of Okabe and Ito for colour-blind readers (Color Universal
Design, 2008), with grey for neutral."""
