"""The codes by which CREMA-D's file names tell emotion and level; the synthetic corpus is named in the same way."""

from data_pipeline.emotion import Emotion

EMOTIONS = {
    "ANG": Emotion.ANGER,
    "DIS": Emotion.DISGUST,
    "FEA": Emotion.FEAR,
    "HAP": Emotion.HAPPINESS,
    "NEU": Emotion.NEUTRAL,
    "SAD": Emotion.SADNESS,
}

LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
"""How strongly the emotion is acted, as `Clip.intensity` words it."""
