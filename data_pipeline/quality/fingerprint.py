"""A fingerprint of a recording: 512 bytes that change little when it is re-encoded, amplified, shifted or trimmed.

The spectrogram has a few mel bands and is measured from a floor below its maximum, so that the level drops out and
pauses are zero. It goes through a Fourier transform along time. A shift in time rotates the phases of all bands alike;
each modulation frequency is rotated so that the sum over bands is real, which removes the shift and keeps the
relations between bands. Each frequency is weighted in proportion to itself, as if the derivative in time had been
taken: two takes of a sentence share slow movements but not onsets. Fingerprints propose pairs; `near_duplicates`
decides by the waveforms.
"""

import functools

import numpy as np

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.limits import SILENCE

SHORTEST_COMPARED = 0.5
"""Least duration in seconds for a fingerprint; two takes of one vowel would pass for one recording."""

_WINDOW = 512
_HOP = 256

_BANDS = 16
_LOWEST, _HIGHEST = 100.0, 3_400.0
"""Range of the bands in Hz: that of a telephone, so that a copy that went through 8 kHz is found."""

_RANGE = 35.0
"""Decibels below the maximum of the spectrogram that count, so that the noise of codecs does not."""

_MODULATION = np.linspace(0.5, 8.0, 16)
"""Modulation frequencies in Hz. Syllables come at 4 to 5 Hz; above 8 Hz the position of the frames would matter."""

SIZE = 2 * _BANDS * len(_MODULATION)
"""Size of a fingerprint in bytes."""


def fingerprint(pcm: np.ndarray) -> bytes:
    """The fingerprint of a recording.

    Args:
        pcm: int16 [samples] at 16 kHz.

    Returns:
        `SIZE` int8 values, the largest magnitude 127; empty for a recording that is silent or shorter than
        `SHORTEST_COMPARED`.
    """
    if len(pcm) < SHORTEST_COMPARED * SAMPLE_RATE or np.abs(pcm.astype(np.int32)).max() < SILENCE:
        return b""
    frames = np.lib.stride_tricks.sliding_window_view(pcm, _WINDOW)[::_HOP]
    spectrum = np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32))
    bands = (np.square(spectrum.real) + np.square(spectrum.imag)) @ _mel_matrix()
    # The smallest power is that of rounding to 16 bits, which is far below any voice.
    decibels = 10 * np.log10(bands + 1e-3)
    height = np.maximum(decibels - (decibels.max() - _RANGE), 0)
    moments = np.arange(len(height)) * (_HOP / SAMPLE_RATE)
    modulation = np.exp(-2j * np.pi * _MODULATION[:, None] * moments) @ height
    total = modulation.sum(axis=1, keepdims=True)
    turned = modulation * np.conj(total) / np.maximum(np.abs(total), 1e-9)
    weighted = turned * _MODULATION[:, None]
    values = np.concatenate([weighted.real.ravel(), weighted.imag.ravel()])
    return np.rint(values * (127 / max(float(np.abs(values).max()), 1e-9))).astype(np.int8).tobytes()


@functools.cache
def _mel_matrix() -> np.ndarray:
    """Triangles on the mel scale of O'Shaughnessy (Speech Communication, 1987): float32 [bins, bands]."""
    lowest, highest = (2_595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST, _HIGHEST))
    corners = 700 * (10 ** (np.linspace(lowest, highest, _BANDS + 2) / 2_595) - 1)
    bins = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)[:, None]
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
