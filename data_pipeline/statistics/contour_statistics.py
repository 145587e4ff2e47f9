"""Statistics of contours over time: moments and percentiles, trends, modulation, and how contours vary together."""

import functools

import numpy as np
import scipy.fft

_FRAMES_PER_SECOND = 100

_DEGREES = (1, 2, 3)

_LAGS = (3, 8, 16, 30)

_CROSS_LAGS = (4, 10)

_MODULATIONS = (0.4, 1.0, 2.0, 3.0, 4.5, 6.5, 9.0, 13.0, 20.0, 35.0)
"""Edges of the bands of the modulation spectrum in Hz."""

TRENDS = tuple(f"legendre_{degree}" for degree in _DEGREES)

RECURRENCES = tuple(f"autocorrelation_{lag}" for lag in _LAGS)

MODULATIONS = tuple(f"{low:g}_hz" for low in _MODULATIONS[:-1])

_PERCENTILES = (10, 25, 50, 75, 90)

STATISTICS = ("mean", "std", "skew", *(f"p{percentile}" for percentile in _PERCENTILES), "range", "slope", "change")


def summarise(contours: np.ndarray) -> np.ndarray:
    """Summarise each contour by moments, percentiles and changes.

    Args:
        contours: float32 [contours, frames].

    Returns:
        float32 [contours, statistics], in the order of `STATISTICS`: mean, standard deviation, skew, percentiles, range
        from the first percentile to the last, slope by regression (per second), mean absolute change from frame to
        frame. Zeros where there are no frames.
    """
    count = contours.shape[1]
    if not count:
        return np.zeros((len(contours), len(STATISTICS)), np.float32)
    mean = contours.mean(axis=1)
    deviation = contours - mean[:, np.newaxis]
    variance = np.einsum("cf,cf->c", deviation, deviation) / count
    cubes = np.einsum("cf,cf,cf->c", deviation, deviation, deviation) / count
    spread = np.sqrt(variance)
    skew = np.where(spread > 1e-4 * np.abs(mean) + 1e-6, cubes / np.maximum(spread, 1e-6) ** 3, 0)
    percentiles = _percentiles(contours)
    times = (np.arange(count, dtype=np.float32) - (count - 1) / 2) / 100
    slope = deviation @ times / max(float(times @ times), 1e-6)
    change = np.abs(np.diff(contours, axis=1)).mean(axis=1) if count > 1 else np.zeros_like(mean)
    columns = (mean, spread, skew, *percentiles.T, percentiles[:, -1] - percentiles[:, 0], slope, change)
    return np.stack(columns, axis=1).astype(np.float32)


def trends(contours: np.ndarray) -> np.ndarray:
    """The first Legendre coefficients of each contour: whether it rises, bends, and bends back.

    Args:
        contours: float32 [contours, frames].

    Returns:
        float32 [contours, 3]; zeros where there are fewer than four frames, to which any cubic fits.
    """
    count = contours.shape[1]
    if count <= len(_DEGREES):
        return np.zeros((len(contours), len(_DEGREES)), np.float32)
    return contours @ _legendre(count)


def recurrences(contours: np.ndarray) -> np.ndarray:
    """Autocorrelation of each contour at 30, 80, 160 and 300 ms.

    Args:
        contours: float32 [contours, frames].

    Returns:
        float32 [contours, 4], -1 to 1; 0 for constants and for lags longer than the clip.
    """
    count = contours.shape[1]
    deviation = contours - contours.mean(axis=1, keepdims=True)
    energy = np.einsum("cf,cf->c", deviation, deviation) + 1e-6 * count
    columns = [
        np.einsum("cf,cf->c", deviation[:, lag:], deviation[:, :-lag]) if count > lag else np.zeros_like(energy)
        for lag in _LAGS
    ]
    return np.stack(columns, axis=1) / energy[:, np.newaxis]


def modulation(contours: np.ndarray) -> np.ndarray:
    """The modulation spectrum of each contour: levels in bands of its spectrum.

    Args:
        contours: float32 [contours, frames].

    Returns:
        float32 [contours, bands], dB; the bands are `MODULATIONS`.
    """
    count = contours.shape[1]
    length = scipy.fft.next_fast_len(max(count, 512), real=True)
    window = np.hanning(count + 2)[1:-1].astype(np.float32)
    deviation = (contours - contours.mean(axis=1, keepdims=True)) * window
    spectra = scipy.fft.rfft(deviation, length, axis=1)
    power = spectra.real**2 + spectra.imag**2
    edges = np.rint(np.array(_MODULATIONS) * length / _FRAMES_PER_SECOND).astype(int)
    sums = np.add.reduceat(power, edges, axis=1)[:, :-1]
    return (10 * np.log10(sums / (float(window @ window) * length) + 1e-5)).astype(np.float32)


def covariance(contours: np.ndarray, least: float) -> np.ndarray:
    """The matrix logarithm of the covariance matrix of contours.

    With the logarithm, the difference between two matrices is a distance that does not depend on the scales of the
    contours (Arsigny et al. 2006).

    Args:
        contours: float32 [contours, frames].
        least: Variance added to each contour.

    Returns:
        float32 [contours * (contours + 1) / 2], the upper triangle row by row.
    """
    size, count = contours.shape
    deviation = contours - contours.mean(axis=1, keepdims=True) if count else np.zeros((size, 1), np.float32)
    matrix = deviation @ deviation.T / max(count, 1) + least * np.eye(size, dtype=np.float32)
    values, vectors = np.linalg.eigh(matrix.astype(np.float64))
    logarithm = (vectors * np.log(np.maximum(values, least / 2))) @ vectors.T
    return logarithm[np.triu_indices(size)].astype(np.float32)


def cross_covariance(contours: np.ndarray) -> np.ndarray:
    """Covariance of each contour with each contour 40 and 100 ms later.

    Args:
        contours: float32 [contours, frames], each with a standard deviation of about 1.

    Returns:
        float32 [2 * contours * contours]; zeros for lags longer than the clip.
    """
    count = contours.shape[1]
    deviation = contours - contours.mean(axis=1, keepdims=True)
    lagged = [
        deviation[:, lag:] @ deviation[:, :-lag].T / count
        if count > lag
        else np.zeros((len(contours), len(contours)), np.float32)
        for lag in _CROSS_LAGS
    ]
    return np.concatenate([matrix.ravel() for matrix in lagged])


def cross_names(names: list[str]) -> list[str]:
    """Names of the values of `cross_covariance`, for contours with these names."""
    return [f"{one}_after_{other}_{lag}" for lag in _CROSS_LAGS for one in names for other in names]


def pair_names(names: list[str]) -> list[str]:
    """Names of the values of `covariance`, for contours with these names."""
    return [f"{one}_with_{other}" for number, one in enumerate(names) for other in names[number:]]


@functools.lru_cache(maxsize=1_024)
def _legendre(count: int) -> np.ndarray:
    """float32 [frames, 3]: the product of a contour with it gives Legendre coefficients."""
    basis = np.polynomial.legendre.legvander(np.linspace(-1, 1, count), max(_DEGREES))[:, list(_DEGREES)]
    return (basis / (basis**2).sum(axis=0)).astype(np.float32)


def _percentiles(contours: np.ndarray) -> np.ndarray:
    """float32 [contours, percentiles], interpolated between frames."""
    ordered = np.sort(contours, axis=1)
    places = np.array(_PERCENTILES) / 100 * (contours.shape[1] - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, contours.shape[1] - 1)
    weights = (places - below).astype(np.float32)
    return ordered[:, below] * (1 - weights) + ordered[:, above] * weights
