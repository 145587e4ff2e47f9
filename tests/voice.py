"""Speech for tests that need what a voice activity detector takes for speech: synthetic, of any length and rate."""

import functools

import numpy as np
import soxr

from data_pipeline.corpora.synthetic import make_clip, make_speaker
from data_pipeline.emotion import Emotion

_QUIET = (Emotion.NEUTRAL, Emotion.SADNESS)
"""Emotions in which a fifth of a second is taken for speech, whoever speaks."""


def voice(seconds: float = 1.0, rate: int = 16_000, amplitude: float = 0.5, seed: int = 0) -> np.ndarray:
    """Somebody speaks.

    Args:
        seconds: Duration, from 0.5 s on; a long one repeats what is said.
        rate: Sampling rate in Hz.
        amplitude: Magnitude of the loudest sample.
        seed: Who speaks, what, and how; every seed gives another waveform.

    Returns:
        float64 [samples], round(seconds * rate) of them.
    """
    said = _said(seed)
    if rate != 16_000:
        said = soxr.resample(said, 16_000, rate)
    samples = np.resize(said, round(seconds * rate))
    return amplitude * samples / np.abs(samples).max()


def voices(count: int, samples: int) -> np.ndarray:
    """Somebody else in each row.

    Args:
        count: Number of rows.
        samples: Number of samples of each.

    Returns:
        float32 [count, samples] at 16 kHz.
    """
    return np.stack([voice(samples / 16_000, seed=row) for row in range(count)]).astype(np.float32)


@functools.lru_cache(maxsize=512)
def _said(seed: int) -> np.ndarray:
    """What one speaker says, from the middle of a vowel on, so that a short part is speech as well."""
    number = 4 + seed // 8
    clip = make_clip(0, make_speaker(0, number), number, _QUIET[seed % 2], seed // 2 % 4) / 32_768
    energy = np.convolve(np.square(clip), np.ones(3_200), "valid")
    return np.roll(clip, -int(energy[: len(energy)].argmax()))
