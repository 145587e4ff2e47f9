"""A clip as a sequence: log-mel bands, cepstra, energy, pitch and voice quality, frame by frame."""

import numpy as np

from data_pipeline.statistics.contours import contours
from data_pipeline.statistics.feature_set import FeatureSet

_FAMILIES = ("mel", "mfcc", "energy", "pitch", "voice quality", "spectral shape")


def extract(pcm: np.ndarray) -> np.ndarray:
    """The features of each frame.

    Args:
        pcm: int16 [samples] at 16 kHz, of any length.

    Returns:
        float32 [frames, features], 10 ms apart, one frame at least, all finite.
    """
    clip = contours(pcm)
    columns = [contour for family in _FAMILIES for contour in clip.families[family].values()]
    return np.stack([*columns, clip.voiced], axis=1).astype(np.float32)


_LAYOUT = contours(np.zeros(400, np.int16)).families

SEQUENCE = FeatureSet(
    name="sequence",
    version=1,
    names=(*(name for family in _FAMILIES for name in _LAYOUT[family]), "voiced"),
    families=(*(family for family in _FAMILIES for _ in _LAYOUT[family]), "pitch"),
    extract=extract,
    framewise=True,
)
"""Frame-level features for a small recurrent or convolutional network."""
