"""The outline of a waveform, for a small plot."""

from dataclasses import dataclass

import numpy as np

from data_pipeline.audio.decode import UnusableAudio, read_audio
from data_pipeline.quality.recording import Recording

COLUMNS = 240
"""Number of columns of the plot."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Lowest and highest sample of each stretch of a recording, over all channels.

    Attributes:
        seconds: Duration of the recording in seconds.
        lowest: Lowest sample of each stretch, full scale ±1; at most `COLUMNS` values.
        highest: Highest sample of each stretch.
    """

    seconds: float
    lowest: tuple[float, ...]
    highest: tuple[float, ...]


def outline(recording: Recording) -> Outline | None:
    """The outline of a recording, or None if it cannot be read.

    Args:
        recording: The recording.
    """
    try:
        audio = read_audio(recording.location, recording.start, recording.end)
    except UnusableAudio:
        return None
    edges = np.unique(np.linspace(0, len(audio.channels), COLUMNS, endpoint=False).astype(int))
    lowest = np.minimum.reduceat(audio.channels.min(axis=1), edges)
    highest = np.maximum.reduceat(audio.channels.max(axis=1), edges)
    return Outline(len(audio.channels) / audio.rate, tuple(lowest.tolist()), tuple(highest.tolist()))
