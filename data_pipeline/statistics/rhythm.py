"""Rhythm: pauses, voiced stretches and peaks of loudness."""

import numpy as np
import scipy.signal

from data_pipeline.statistics.spectra import RATE

_FRAMES_PER_SECOND = 100

_PEAK_DISTANCE = 8
"""Least number of frames between peaks of loudness: syllables last 100 ms or more."""

_PROMINENCE = 0.1
"""Share of the loudest peak by which a peak must stand out."""


def rhythm(samples: int, active: np.ndarray, voiced: np.ndarray, loudness: np.ndarray) -> dict[str, float]:
    """Measure times, rates and lengths.

    Args:
        samples: Number of samples of the clip.
        active: bool [frames], true for speech; at least one frame is.
        voiced: bool [frames], true for voiced frames.
        loudness: float32 [frames].

    Returns:
        Values by name; lengths in seconds, rates per second of speech including the pauses within it.
    """
    where = np.flatnonzero(active)
    inside = slice(where[0], where[-1] + 1)
    seconds = (inside.stop - inside.start) / _FRAMES_PER_SECOND
    spoken = active[inside]
    voiced_speech = voiced[inside] & spoken
    smooth = _smoothed(loudness[inside])
    peaks = _peaks(smooth)
    heights = smooth[peaks]
    change = np.diff(smooth) * _FRAMES_PER_SECOND
    scale = max(float(smooth.max()), 1e-6)
    return {
        "clip_seconds": samples / RATE,
        "speech_seconds": seconds,
        "speech_share": float(active.mean()),
        "active_share": float(spoken.mean()),
        "voiced_share": float(voiced_speech.sum() / spoken.sum()),
        **_stretches("pause", ~spoken, seconds),
        **_stretches("voiced", voiced_speech, seconds),
        **_stretches("unvoiced", ~voiced_speech, seconds),
        "peaks_per_second": len(peaks) / seconds,
        "peak_mean": _mean(heights),
        "peak_std": _std(heights),
        "peak_gap_mean": _mean(np.diff(peaks)) / _FRAMES_PER_SECOND,
        "peak_gap_std": _std(np.diff(peaks)) / _FRAMES_PER_SECOND,
        "loudest_place": float(smooth.argmax()) / len(smooth),
        "rise_mean": _mean(change[change > 0]),
        "rise_std": _std(change[change > 0]),
        "fall_mean": _mean(change[change < 0]),
        "fall_std": _std(change[change < 0]),
        "rise_share": float((change > 0).mean()) if len(change) else 0.0,
        "swing": float(np.abs(change).mean()) / scale if len(change) else 0.0,
    }


def _stretches(name: str, mask: np.ndarray, seconds: float) -> dict[str, float]:
    """How often a state begins, and how long it lasts."""
    edges = np.diff(mask.astype(np.int8), prepend=0, append=0)
    lengths = (np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)) / _FRAMES_PER_SECOND
    return {
        f"{name}s_per_second": len(lengths) / seconds,
        f"{name}_mean": _mean(lengths),
        f"{name}_std": _std(lengths),
        f"{name}_longest": float(lengths.max()) if len(lengths) else 0.0,
    }


def _smoothed(contour: np.ndarray) -> np.ndarray:
    """Moving average over five frames."""
    padded = np.pad(contour, 2, "edge")
    return np.convolve(padded, np.full(5, 0.2, np.float32), "valid")


def _peaks(contour: np.ndarray) -> np.ndarray:
    """Int [peaks], the frames of peaks that stand out from their surroundings."""
    prominence = max(_PROMINENCE * float(contour.max()), 1e-6)
    # With silence on both sides, speech that begins or ends at its loudest has a peak there.
    peaks, _ = scipy.signal.find_peaks(np.pad(contour, 1), distance=_PEAK_DISTANCE, prominence=prominence)
    return peaks - 1


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _std(values: np.ndarray) -> float:
    return float(values.std()) if len(values) else 0.0
