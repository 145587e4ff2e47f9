"""Whether a clip holds enough speech to be judged: one rule for every door."""

from collections.abc import Sequence

import numpy as np

from data_pipeline.audio.speech.detector import DELAY, SECONDS, SpeechDetector, speech_frames
from data_pipeline.audio.speech.silero import FRAME
from data_pipeline.audio.speech.spectrum import is_key, power

LEAST_SPEECH = 0.1
"""Least seconds of speech in a clip that is judged: less than a syllable has no emotion that could be heard.
`benchmarks/speech_detector.py` counts the real clips that have less."""

_BLOCK = 16
"""Number of frames that are heard at a time, half a second; most clips have said enough after two."""

_SLOWED = 0.7
"""Factor by which a clip without speech is slowed for a second hearing: a voice raised to 500 Hz becomes one of 350 Hz,
which the network knows. It takes shouts and screams of CREMA-D and RAVDESS for noise otherwise."""

_LEAST_SLOWED = 0.3
"""Least seconds of speech in the second hearing, in which music is taken for speech more often."""

_MOST_KEYS = 0.1
"""Largest share of frames with a telephone's key in a clip that is heard a second time: slowed, keys are not known."""

_PEAK = 0.3
"""Loudest sample of a clip in its second hearing: the network also misses what is very quiet."""


def speech_seconds(waveforms: Sequence[np.ndarray], enough: float = np.inf) -> list[float]:
    """How much of each clip is speech.

    Args:
        waveforms: Each float32 [samples] at 16 kHz, full scale ±1. Many are heard in less time than one after the
            other.
        enough: Number of seconds after which the rest of a clip is not heard.

    Returns:
        Seconds of speech of each; at least `enough` of them, if there are. A clip that seems to have less than
        `LEAST_SPEECH` is heard a second time, slowed and with its loudest sample at a third of full scale.
    """
    found = _first_hearing(waveforms, enough)
    for place, waveform in enumerate(waveforms):
        if found[place] < LEAST_SPEECH and len(waveform) >= FRAME:
            found[place] = max(found[place], _second_hearing(waveform))
    return found


def _first_hearing(waveforms: Sequence[np.ndarray], enough: float) -> list[float]:
    counts = np.array([-(-len(waveform) // FRAME) for waveform in waveforms], np.int64)
    blocks = -(-(int(counts.max(initial=0)) + DELAY) // _BLOCK)
    frames = np.zeros((len(waveforms), blocks * _BLOCK, FRAME), np.float32)
    for row, waveform in zip(frames, waveforms, strict=True):
        row.reshape(-1)[: len(waveform)] = waveform
    present = np.arange(blocks * _BLOCK) < counts[:, np.newaxis]
    detector, seconds = SpeechDetector(len(waveforms)), np.zeros(len(waveforms))
    for start in range(0, blocks * _BLOCK, _BLOCK):
        # Those whose last frame is decided, or who have said enough, are not heard any more.
        rows = np.flatnonzero((seconds < enough) & (start < counts + DELAY))
        if not rows.size:
            break
        block = slice(start, start + _BLOCK)
        given = max(0, start - DELAY)
        for row, decided in zip(rows, detector.hear(frames[rows, block], rows, present[rows, block]), strict=True):
            # What follows a clip is silence put in its place.
            seconds[row] += float(decided[: max(0, counts[row] - given)].sum()) * SECONDS
    return seconds.tolist()


def _second_hearing(waveform: np.ndarray) -> float:
    whole = waveform[: len(waveform) // FRAME * FRAME].reshape(-1, FRAME)
    if is_key(power(whole)).mean() > _MOST_KEYS:
        return 0.0
    slowed = np.interp(np.arange(0, len(waveform) - 1, _SLOWED), np.arange(len(waveform)), waveform)
    slowed = slowed * (_PEAK / max(float(np.abs(slowed).max(initial=0)), 1 / 32_768))
    (frames,) = speech_frames([slowed.astype(np.float32)])
    seconds = float(frames.sum()) * SECONDS * _SLOWED
    return seconds if seconds >= _LEAST_SLOWED else 0.0
