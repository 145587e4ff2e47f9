"""Fundamental frequency, by normalised autocorrelation and the cheapest path through its peaks.

After Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
sound" (1993): the autocorrelation of a windowed frame is divided by that of the window, every peak is a candidate, and
dynamic programming chooses between the candidates and "unvoiced".
"""

import functools
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal

from data_pipeline.statistics.spectra import RATE, frames

LOWEST = 60.0

HIGHEST = 600.0

_RATE = 8_000
"""Sampling rate for the search of periods: half the rate of the records, since above 4 kHz there is mostly breath."""

_WINDOW = 400
"""Number of samples of a frame: three periods of the lowest pitch."""

_FFT = 576
"""Length of the transform: a quick one at which lags up to `_LONGEST` do not wrap around."""

_SHORTEST, _LONGEST = int(_RATE / HIGHEST), int(_RATE / LOWEST) + 1

_LOW_PASS = 40
"""Order of the low-pass filter before every other sample is dropped."""

_CANDIDATES = 5

_VOICING_THRESHOLD = 0.45

_SILENCE = 0.03
"""Peak of a frame, relative to the peak of the clip, below which the frame is hardly voiced."""

_OCTAVE_COST = 0.04
"""Cost per octave below the highest pitch, so that of two equal peaks the shorter lag is the period."""

_JUMP_COST = 0.35
"""Cost per octave of a jump between neighbouring frames."""

_ONSET_COST = 0.14
"""Cost of a change between voiced and unvoiced."""


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """The pitch of each frame.

    Attributes:
        frequency: float32 [frames], Hz; 0 where unvoiced.
        periodicity: float32 [frames], 0 to 1: the normalised autocorrelation at the period, or its highest peak where
            unvoiced.
    """

    frequency: np.ndarray
    periodicity: np.ndarray

    @property
    def voiced(self) -> np.ndarray:
        """Bool [frames], true for voiced frames."""
        return self.frequency > 0


def track(waveform: np.ndarray) -> PitchTrack:
    """Track the pitch between 60 and 600 Hz.

    Args:
        waveform: float32 [samples] at 16 kHz; its gain does not matter.

    Returns:
        The pitch of each frame of `spectra.frames`.
    """
    halved = scipy.signal.upfirdn(_low_pass(), waveform, down=RATE // _RATE)[_LOW_PASS // 4 :]
    framed = frames(halved[: len(waveform) // 2], _WINDOW, _RATE)
    framed = framed - framed.mean(axis=1, keepdims=True)
    peaks = np.abs(framed).max(axis=1)
    correlation = _autocorrelation(framed)
    lags, strengths = _candidates(correlation)
    pitches = _RATE / lags
    costs = _local_costs(pitches, strengths, peaks)
    chosen = _cheapest_path(costs, _transition_costs(pitches))
    rows = np.arange(len(chosen))
    voiced = chosen > 0
    best = np.where(voiced, chosen - 1, strengths.argmax(axis=1))
    return PitchTrack(
        frequency=np.where(voiced, pitches[rows, best], 0).astype(np.float32),
        periodicity=np.clip(strengths[rows, best], 0, 1).astype(np.float32),
    )


def _autocorrelation(framed: np.ndarray) -> np.ndarray:
    """float32 [frames, lags], from lag `_SHORTEST - 1` to `_LONGEST + 1`, 1 at lag 0 of a periodic frame."""
    window, of_window = _window()
    spectra = scipy.fft.rfft(framed * window, _FFT, axis=1)
    correlation = scipy.fft.irfft(spectra.real**2 + spectra.imag**2, _FFT, axis=1)[:, : _LONGEST + 2]
    energy = correlation[:, :1]
    return correlation[:, _SHORTEST - 1 :] / (np.maximum(energy, 1e-12) * of_window[_SHORTEST - 1 :])


@functools.cache
def _low_pass() -> np.ndarray:
    return scipy.signal.firwin(_LOW_PASS + 1, 3_600, fs=RATE).astype(np.float32)


@functools.cache
def _window() -> tuple[np.ndarray, np.ndarray]:
    window = np.hanning(_WINDOW + 2)[1:-1]
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * _WINDOW)) ** 2)[: _LONGEST + 2]
    return window.astype(np.float32), (of_window / of_window[0]).astype(np.float32)


def _candidates(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest peaks of each frame, interpolated between samples.

    Returns:
        Lags in samples and heights, each float32 [frames, candidates]; height 0 where there are fewer peaks.
    """
    middle = correlation[:, 1:-1]
    is_peak = (middle > correlation[:, :-2]) & (middle >= correlation[:, 2:]) & (middle > 0)
    heights = np.where(is_peak, middle - _octave_costs(), 0)
    places = np.argpartition(heights, -_CANDIDATES, axis=1)[:, -_CANDIDATES:]
    rows = np.arange(len(correlation))[:, np.newaxis]
    found = is_peak[rows, places]
    left, centre, right = (correlation[rows, places + shift] for shift in (0, 1, 2))
    curvature = np.where(found, 2 * centre - left - right, 1)
    offset = np.where(found, (right - left) / (2 * np.maximum(curvature, 1e-6)), 0)
    offset = np.clip(offset, -0.5, 0.5)
    heights = np.where(found, centre + (right - left) * offset / 4, 0)
    # The autocorrelation of bright sounds is steeper than the parabola, whose peak may then lie above 1.
    return _SHORTEST + places + offset, np.where(heights > 1, 1 / np.maximum(heights, 1), heights)


@functools.cache
def _octave_costs() -> np.ndarray:
    lags = np.arange(_SHORTEST, _LONGEST + 1)
    return (_OCTAVE_COST * np.log2(lags / _SHORTEST)).astype(np.float32)


def _local_costs(pitches: np.ndarray, strengths: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """float32 [frames, 1 + candidates]: the cost of "unvoiced" and of each candidate."""
    relative = peaks / max(float(peaks.max()), 1e-9)
    unvoiced = _VOICING_THRESHOLD + np.maximum(0, 2 - relative / (_SILENCE / (1 + _VOICING_THRESHOLD)))
    gains = np.where(strengths > 0, strengths - _OCTAVE_COST * np.log2(HIGHEST / pitches), -1)
    return -np.concatenate([unvoiced[:, np.newaxis], gains], axis=1)


def _transition_costs(pitches: np.ndarray) -> np.ndarray:
    """float32 [frames - 1, 1 + candidates, 1 + candidates]: the cost from each state to each of the next frame."""
    octaves = np.log2(pitches)
    costs = np.full((len(pitches) - 1, _CANDIDATES + 1, _CANDIDATES + 1), _ONSET_COST, np.float32)
    costs[:, 0, 0] = 0
    costs[:, 1:, 1:] = _JUMP_COST * np.abs(octaves[:-1, :, np.newaxis] - octaves[1:, np.newaxis, :])
    return costs


def _cheapest_path(local: np.ndarray, transitions: np.ndarray) -> np.ndarray:
    """Int [frames], the state of each frame on the path with the least total cost."""
    best = local[0]
    origins = np.empty((len(transitions), local.shape[1]), np.intp)
    states = np.arange(local.shape[1])
    for number, transition in enumerate(transitions):
        arriving = best[:, np.newaxis] + transition
        origins[number] = origin = arriving.argmin(axis=0)
        best = arriving[origin, states] + local[number + 1]
    path = np.empty(len(local), np.intp)
    path[-1] = best.argmin()
    for number in range(len(origins) - 1, -1, -1):
        path[number] = origins[number, path[number + 1]]
    return path
