"""Frames as stretches of speech, for people and for turns."""

import numpy as np

from data_pipeline.audio.speech.detector import SECONDS

LEAST_PAUSE = 0.25
"""Pauses in seconds that are shorter belong to the speech around them: stops and breaths within a phrase take up to
0.2 s (Goldman-Eisler 1968, Psycholinguistics, takes 0.25 s as the least pause)."""

LEAST_SPEECH_SEGMENT = 0.1
"""Stretches of speech in seconds that are shorter are none: less than a syllable."""

PADDING = 0.032
"""Seconds that are added before and after a stretch, a frame: consonants at its edges are weaker than the vowels."""


def segments(
    frames: np.ndarray, least_pause: float = LEAST_PAUSE, least_speech: float = LEAST_SPEECH_SEGMENT
) -> list[tuple[float, float]]:
    """The stretches of speech in a waveform.

    Args:
        frames: bool [frames] of 32 ms, see `detector.speech_frames`.
        least_pause: Seconds; shorter pauses are closed.
        least_speech: Seconds; shorter stretches are left out, after pauses were closed.

    Returns:
        Start and end of each stretch in seconds, in order, not overlapping.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]])))
    found: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2).tolist():
        if found and (start - found[-1][1]) * SECONDS < least_pause:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    last = len(frames) * SECONDS
    return [
        (max(0.0, start * SECONDS - PADDING), min(last, end * SECONDS + PADDING))
        for start, end in found
        if (end - start) * SECONDS >= least_speech
    ]
