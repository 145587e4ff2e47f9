"""Contours of a clip: named values per frame, and which frames are speech."""

import functools
from dataclasses import dataclass

import numpy as np

from data_pipeline.statistics import pitch, spectra
from data_pipeline.statistics.feature_set import FeatureSet
from data_pipeline.statistics.spectra import BANDS

_RECORD_SCALE = 32_768

_ACTIVE_RANGE = 30.0
"""Decibels below the loudest frames of the clip within which a frame counts as speech."""

_LOWEST_NOTE = 27.5
"""Frequency in Hz of the note A0; pitch is counted in semitones above it."""

_FAMILIES = ("mel", "mfcc", "energy", "pitch", "voice quality", "spectral shape")

_ROLLOFFS = (0.25, 0.5, 0.85)

Named = dict[str, np.ndarray]
"""Contours by name, each float32 [frames]."""


@dataclass(frozen=True, slots=True)
class Contours:
    """The contours of a clip.

    Attributes:
        families: Contours by family, each float32 [frames].
        voiced: bool [frames], true for voiced frames.
        active: bool [frames], true for speech; at least one is.
    """

    families: dict[str, Named]
    voiced: np.ndarray
    active: np.ndarray

    @property
    def speech(self) -> slice:
        """The frames from the first to the last frame of speech."""
        where = np.flatnonzero(self.active)
        return slice(where[0], where[-1] + 1)


def contours(pcm: np.ndarray) -> Contours:
    """Compute all contours of a clip.

    Args:
        pcm: int16 [samples] at 16 kHz, of any length.

    Returns:
        Contours of 25 ms frames, 10 ms apart. Those of pitch and voice quality are 0 where unvoiced.
    """
    waveform = pcm.astype(np.float32) / _RECORD_SCALE
    power = spectra.power_spectra(waveform)
    track = pitch.track(waveform)
    mel = power @ spectra.mel_filters()
    log_mel = spectra.decibels(mel)
    cepstra = spectra.cepstra(log_mel)
    slopes = spectra.delta(cepstra)
    energy = power.sum(axis=1)
    level = spectra.decibels(energy)
    active = level >= np.percentile(level, 95) - _ACTIVE_RANGE
    active |= level == level.max()
    families: dict[str, Named] = {
        "mel": _numbered("mel", log_mel),
        "mfcc": _numbered("mfcc", cepstra),
        "mfcc delta": _numbered("mfcc_delta", slopes),
        "mfcc delta delta": _numbered("mfcc_delta_delta", spectra.delta(slopes)),
        "energy": _energy(level, mel, waveform),
        "pitch": _pitch(track),
        "voice quality": _voice_quality(track, level, power),
        "spectral shape": _spectral_shape(power, energy, mel, log_mel),
    }
    return Contours(families, track.voiced, active)


def _numbered(name: str, matrix: np.ndarray) -> Named:
    return {f"{name}_{number}": column for number, column in enumerate(matrix.T)}


def _energy(level: np.ndarray, mel: np.ndarray, waveform: np.ndarray) -> Named:
    # The loudness of a band is about its power to the 0.3 (Zwicker).
    loudness = ((mel + spectra.FLOOR) ** 0.3).sum(axis=1)
    framed = spectra.frames(waveform, spectra.WINDOW)
    crossings = (np.signbit(framed[:, 1:]) != np.signbit(framed[:, :-1])).mean(axis=1, dtype=np.float32)
    return {
        "level": level,
        "level_delta": _slope(level),
        "loudness": loudness,
        "loudness_delta": _slope(loudness),
        "zero_crossings": crossings,
    }


def _pitch(track: pitch.PitchTrack) -> Named:
    voiced = track.voiced
    semitones = np.where(voiced, 12 * np.log2(np.where(voiced, track.frequency, 1) / _LOWEST_NOTE), 0)
    return {"semitones": semitones, "semitones_delta": _voiced_change(semitones, voiced)}


def _voice_quality(track: pitch.PitchTrack, level: np.ndarray, power: np.ndarray) -> Named:
    voiced = track.voiced
    periodicity = np.clip(track.periodicity, 1e-3, 1 - 1e-4)
    harmonicity = np.where(voiced, 10 * np.log10(periodicity / (1 - periodicity)), 0)
    period = np.where(voiced, 1 / np.where(voiced, track.frequency, 1), 0)
    relative = np.where(voiced, period / max(float(period.sum()) / max(int(voiced.sum()), 1), 1e-6), 0)
    return {
        "harmonics_to_noise": harmonicity,
        "jitter": np.abs(_voiced_change(relative, voiced)),
        "shimmer": np.abs(_voiced_change(level, voiced)),
        **_harmonics(track, power),
    }


def _harmonics(track: pitch.PitchTrack, power: np.ndarray) -> Named:
    """Level of the first harmonic above those of the second, the third, and the strongest from 1.5 to 3.5 kHz."""
    rows = np.arange(len(power))
    spacing = spectra.RATE / spectra.FFT
    levels = []
    for harmonic in (1, 2, 3):
        place = np.clip(np.rint(harmonic * track.frequency / spacing).astype(int), 1, power.shape[1] - 2)
        near = np.maximum(np.maximum(power[rows, place - 1], power[rows, place]), power[rows, place + 1])
        levels.append(spectra.decibels(near))
    high = spectra.decibels(power[:, int(1_500 / spacing) : int(3_500 / spacing)].max(axis=1))
    first, second, third = levels
    voiced = track.voiced
    return {
        "first_to_second_harmonic": np.where(voiced, first - second, 0),
        "first_to_third_harmonic": np.where(voiced, first - third, 0),
        "first_harmonic_to_third_formant": np.where(voiced, first - high, 0),
    }


def _spectral_shape(power: np.ndarray, energy: np.ndarray, mel: np.ndarray, log_mel: np.ndarray) -> Named:
    frequencies = spectra.frequencies()
    share = power / (energy + spectra.FLOOR)[:, np.newaxis]
    moments = share @ _powers_of_frequency()
    centroid = moments[:, 0]
    spread = np.sqrt(np.maximum(moments[:, 1] - centroid**2, 0))
    cumulated = np.cumsum(share, axis=1)
    shape = {"centroid": centroid, "spread": spread}
    for part in _ROLLOFFS:
        shape[f"rolloff_{part:g}"] = frequencies[np.minimum((cumulated < part).sum(axis=1), len(frequencies) - 1)]
    bands = share @ _bands()
    low, high, below_2k, above_2k = bands.T
    peaks = _peaks(power)
    slopes = log_mel @ _slope_filters()
    magnitude = np.sqrt(mel)
    normalised = magnitude / (magnitude.sum(axis=1, keepdims=True) + spectra.FLOOR**0.5)
    change = np.diff(normalised, axis=0, prepend=normalised[:1])
    return {
        **shape,
        "alpha_ratio": _ratio(low, high),
        "balance_at_2_khz": _ratio(below_2k, above_2k),
        "hammarberg": peaks[0] - peaks[1],
        "slope_low": slopes[:, 0],
        "slope_middle": slopes[:, 1],
        "slope_high": slopes[:, 2],
        "flatness": log_mel.mean(axis=1) - spectra.decibels(mel.mean(axis=1)),
        "entropy": -(normalised * np.log2(normalised + 1e-9)).sum(axis=1),
        "flux": np.abs(change).sum(axis=1),
        "level_flux": np.abs(np.diff(log_mel, axis=0, prepend=log_mel[:1])).mean(axis=1),
    }


@functools.cache
def _powers_of_frequency() -> np.ndarray:
    khz = spectra.frequencies() / 1_000
    return np.stack([khz, khz**2], axis=1)


@functools.cache
def _bands() -> np.ndarray:
    """Bands 50 to 1,000 Hz and 1 to 5 kHz (their ratio is the alpha ratio of eGeMAPS), below and above 2 kHz."""
    frequencies = spectra.frequencies()
    edges = ((50, 1_000), (1_000, 5_000), (0, 2_000), (2_000, 8_000))
    return np.stack([(frequencies >= low) & (frequencies < high) for low, high in edges], axis=1).astype(np.float32)


def _peaks(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Highest levels below 2 kHz and from 2 to 5 kHz; their difference is the Hammarberg index."""
    spacing = spectra.RATE / spectra.FFT
    low, high = int(2_000 / spacing), int(5_000 / spacing)
    return spectra.decibels(power[:, :low].max(axis=1)), spectra.decibels(power[:, low:high].max(axis=1))


@functools.cache
def _slope_filters() -> np.ndarray:
    """float32 [bands, 3]: slopes of log-mel bands over each third of the bands, by regression, in dB per band."""
    filters = np.zeros((BANDS, 3), np.float32)
    for column, places in enumerate(np.array_split(np.arange(BANDS), 3)):
        centred = places - places.mean()
        filters[places, column] = centred / (centred**2).sum()
    return filters


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return 10 * np.log10((over + 1e-6) / (under + 1e-6))


def _slope(contour: np.ndarray) -> np.ndarray:
    return spectra.delta(contour[:, np.newaxis])[:, 0]


def _voiced_change(contour: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Difference from the previous frame where both are voiced; 0 elsewhere."""
    change = np.zeros_like(contour)
    change[1:] = np.where(voiced[1:] & voiced[:-1], np.diff(contour), 0)
    return change


def extract(pcm: np.ndarray) -> np.ndarray:
    """Extract the contours of a clip as a sequence: log-mel bands, cepstra, energy, pitch and voice quality.

    Args:
        pcm: int16 [samples] at 16 kHz, of any length.

    Returns:
        float32 [frames, features], 10 ms apart, at least one frame, all finite.
    """
    clip = contours(pcm)
    columns = [contour for family in _FAMILIES for contour in clip.families[family].values()]
    return np.stack([*columns, clip.voiced], axis=1).astype(np.float32)


_LAYOUT = contours(np.zeros(400, np.int16)).families

SEQUENCE = FeatureSet(
    name="sequence",
    version=1,
    names=(*(name for family in _FAMILIES for name in _LAYOUT[family]), "voiced"),
    families=(*(family for family in _FAMILIES for _ in _LAYOUT[family]), "pitch"),
    extract=extract,
    framewise=True,
)
"""Frame-level features for a small recurrent or convolutional network."""
