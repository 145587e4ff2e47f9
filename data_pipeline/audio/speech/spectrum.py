"""What the spectrum of a frame tells: keys of a telephone, and bands by which steady sounds are told.

Silero takes hum and keys with line noise for speech now and then. Neither needs a network: the tones of a key are
known, and no voice keeps its spectrum for a third of a second.
"""

import numpy as np
import scipy.fft

from data_pipeline.audio.speech.silero import FRAME

BANDS = 16
"""Number of bands of 250 Hz up to 4 kHz, what a telephone passes."""

WINDOW = np.hanning(FRAME).astype(np.float32)

_BIN = 16_000 / FRAME
"""Width of a bin in Hz: 31.25."""

BINS_OF_BAND = 8

LOW_TONES = slice(int(660 / _BIN) + 1, int(985 / _BIN) + 1)
"""Bins of the first tone of a key: 697 to 941 Hz (ITU-T Q.23), and what the window spreads."""

HIGH_TONES = slice(int(1_170 / _BIN) + 1, int(1_680 / _BIN) + 1)
"""Bins of the second tone of a key: 1,209 to 1,633 Hz."""

MAIN_LOBE = 2
"""Number of bins on either side of a peak that hold a tone's energy (the main lobe of a Hann window)."""

RUMBLE = 3
"""Number of bins that are left out, below 94 Hz."""

KEY_SHARE = 0.8
"""Least share of a frame's energy in the two tones of a key; line noise 15 dB below leaves 0.97."""

KEY_TWIST = 8.0
"""Largest difference in decibels between the two tones (ITU-T Q.24, table A-1, note 1)."""

TINY = 1e-12


def power(frames: np.ndarray) -> np.ndarray:
    """The power spectra of frames.

    Args:
        frames: float32 [..., 512] at 16 kHz.

    Returns:
        float32 [..., 257].
    """
    # SciPy's transform of float32 takes a third of the time of NumPy's.
    transform = scipy.fft.rfft(frames * WINDOW, overwrite_x=True)
    return np.square(transform.real) + np.square(transform.imag)


def bands(spectra: np.ndarray) -> np.ndarray:
    """Energy in bands of 250 Hz.

    Args:
        spectra: See `power`.

    Returns:
        float32 [..., 16].
    """
    telephone = spectra[..., : BANDS * BINS_OF_BAND]
    return telephone.reshape(*spectra.shape[:-1], BANDS, BINS_OF_BAND).sum(axis=-1)


def is_key(spectra: np.ndarray) -> np.ndarray:
    """Whether a frame is the sound of a telephone's key (DTMF, ITU-T Q.23).

    Args:
        spectra: See `power`.

    Returns:
        bool [...].
    """
    low, high = _peak(spectra, LOW_TONES), _peak(spectra, HIGH_TONES)
    total = spectra[..., RUMBLE:].sum(axis=-1)
    twist = np.abs(10 * np.log10((low + TINY) / (high + TINY)))
    return (low + high > KEY_SHARE * total) & (twist < KEY_TWIST)


def _peak(spectra: np.ndarray, bins: slice) -> np.ndarray:
    """Energy of the strongest tone among some bins."""
    place = bins.start + spectra[..., bins].argmax(axis=-1)
    lobe = place[..., np.newaxis] + np.arange(-MAIN_LOBE, MAIN_LOBE + 1)
    return np.take_along_axis(spectra, lobe, axis=-1).sum(axis=-1)
