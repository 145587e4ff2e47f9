"""Voices of a known pitch, for tests: pulses through three formants."""

import numpy as np
import scipy.signal

RATE = 16_000

_FORMANTS = ((600, 80), (1_200, 100), (2_500, 150))


def voice(pitch: np.ndarray | float, seconds: float = 1.5, gain: float = 0.5) -> np.ndarray:
    """float32 [samples] at 16 kHz, with the given pitch in Hz, one for all or one a sample."""
    phase = np.cumsum(np.broadcast_to(pitch, round(seconds * RATE)) / RATE)
    # Pulses between samples, spread over the two beside them, so that their distance is exact.
    wraps = np.flatnonzero(np.diff(np.floor(phase)) > 0) + 1
    late = np.mod(phase[wraps], 1) / (phase[wraps] - phase[wraps - 1])
    wave = np.zeros(len(phase))
    wave[wraps] += 1 - late
    wave[wraps - 1] += late
    for frequency, bandwidth in _FORMANTS:
        radius = np.exp(-np.pi * bandwidth / RATE)
        wave = scipy.signal.lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * frequency / RATE), radius**2], wave)
    return (gain * wave / np.abs(wave).max()).astype(np.float32)


def as_pcm(waveform: np.ndarray) -> np.ndarray:
    """int16 [samples], clipped at full scale."""
    return np.clip(np.rint(waveform * 32_768), -32_768, 32_767).astype(np.int16)
