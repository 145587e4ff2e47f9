"""Whether a clip holds enough speech to be judged: one rule for every door."""

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


def speech_seconds(waveform: np.ndarray, enough: float = np.inf) -> float:
    """How much of a clip is speech.

    Args:
        waveform: float32 [samples] at 16 kHz, full scale ±1.
        enough: Number of seconds after which the rest is not heard.

    Returns:
        Seconds of speech; at least `enough` of them, if there are. A clip that seems to have less than `LEAST_SPEECH`
        is heard a second time, slowed and with its loudest sample at a third of full scale.
    """
    found = _first_hearing(waveform, enough)
    if found >= LEAST_SPEECH or len(waveform) < FRAME:
        return found
    whole = waveform[: len(waveform) // FRAME * FRAME].reshape(-1, FRAME)
    if is_key(power(whole)).mean() > _MOST_KEYS:
        return found
    moments = np.arange(0, len(waveform) - 1, _SLOWED)
    slowed = np.interp(moments, np.arange(len(waveform)), waveform)
    slowed = slowed * (_PEAK / max(float(np.abs(slowed).max(initial=0)), 1 / 32_768))
    (frames,) = speech_frames([slowed.astype(np.float32)])
    again = float(frames.sum()) * SECONDS * _SLOWED
    return again if again >= _LEAST_SLOWED else found


def _first_hearing(waveform: np.ndarray, enough: float) -> float:
    count = -(-len(waveform) // FRAME)
    blocks = -(-(count + DELAY) // _BLOCK)
    frames = np.zeros((1, blocks * _BLOCK, FRAME), np.float32)
    frames.reshape(-1)[: len(waveform)] = waveform
    present = np.arange(blocks * _BLOCK)[np.newaxis] < count
    detector, seconds = SpeechDetector(1), 0.0
    for start in range(0, blocks * _BLOCK, _BLOCK):
        block = slice(start, start + _BLOCK)
        (decided,) = detector.hear(frames[:, block], present=present[:, block])
        # What follows the clip is silence, which is never speech for long; it is not counted.
        given = max(0, start - DELAY)
        seconds += float(decided[: max(0, count - given)].sum()) * SECONDS
        if seconds >= enough:
            break
    return seconds
