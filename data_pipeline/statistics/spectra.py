"""Short-time spectra of 25 ms every 10 ms at 16 kHz, with their mel bands and cepstra."""

import functools

import numpy as np
import scipy.fft

RATE = 16_000

WINDOW = 400

HOP = 160

FFT = 512

BANDS = 40

CEPSTRA = 20

FLOOR = 1e-10
"""Least power of a logarithm: -100 dB of full scale, just under one step of 16 bits."""


def frames(waveform: np.ndarray, window: int, rate: int = RATE) -> np.ndarray:
    """Overlapping frames, 10 ms apart, centred on the same times whatever their length: 12.5 ms, 22.5 ms …

    Args:
        waveform: float32 [samples].
        window: Number of samples of a frame: an even number, 25 ms or more.
        rate: Sampling rate in Hz, a divisor of 16 kHz.

    Returns:
        float32 [frames, window], a read-only view. There are as many frames as frames of 25 ms fit, at least one;
        beyond the ends of the waveform there is silence.
    """
    shortest, hop = WINDOW * rate // RATE, HOP * rate // RATE
    count = 1 + max(0, len(waveform) - shortest) // hop
    before = (window - shortest) // 2
    padded = np.zeros((count - 1) * hop + window, np.float32)
    copied = waveform[: len(padded) - before]
    padded[before : before + len(copied)] = copied
    return np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]


def power_spectra(waveform: np.ndarray) -> np.ndarray:
    """Hann-windowed power spectra.

    Args:
        waveform: float32 [samples], full scale ±1.

    Returns:
        float32 [frames, 257]; the bins of a full-scale sine add up to about 1.
    """
    spectra = scipy.fft.rfft(frames(waveform, WINDOW) * _hann(WINDOW), FFT, axis=1)
    return spectra.real**2 + spectra.imag**2


@functools.cache
def frequencies() -> np.ndarray:
    """float32 [257], the frequencies of the bins in Hz."""
    return np.fft.rfftfreq(FFT, 1 / RATE).astype(np.float32)


@functools.cache
def mel_filters() -> np.ndarray:
    """float32 [257, 40]: triangles on the HTK mel scale from 20 to 7,900 Hz, peaks at 1."""
    edges = _from_mel(np.linspace(_mel(20.0), _mel(7_900.0), BANDS + 2))
    bins = frequencies()[:, np.newaxis]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def decibels(power: np.ndarray) -> np.ndarray:
    """Levels of powers relative to full scale in dB, at least -100."""
    return 10 * np.log10(power + FLOOR)


def cepstra(log_mel: np.ndarray) -> np.ndarray:
    """Orthonormal cosine transform of log-mel bands: float32 [frames, bands] to [frames, 20]."""
    return log_mel @ _cosines()


def delta(contours: np.ndarray) -> np.ndarray:
    """Slope of each contour by regression over five frames; values at the ends are repeated.

    Args:
        contours: float32 [frames, contours].

    Returns:
        float32 of the same shape, change per frame.
    """
    padded = np.pad(contours, ((2, 2), (0, 0)), "edge")
    return (2 * (padded[4:] - padded[:-4]) + padded[3:-1] - padded[1:-3]) / 10


def _mel(frequency: float) -> float:
    return 2595 * np.log10(1 + frequency / 700)


def _from_mel(mel: np.ndarray) -> np.ndarray:
    return 700 * (10 ** (mel / 2595) - 1)


@functools.cache
def _hann(length: int) -> np.ndarray:
    window = np.hanning(length + 1)[:-1]
    # The window's energy spreads the power of a sine over bins, and a real transform has half of each bin's power.
    return (window * np.sqrt(4 / (FFT * (window**2).sum()))).astype(np.float32)


@functools.cache
def _cosines() -> np.ndarray:
    return scipy.fft.dct(np.eye(BANDS), norm="ortho", axis=1)[:, :CEPSTRA].astype(np.float32)
