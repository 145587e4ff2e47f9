"""How contours go through a clip, and how they go together."""

import functools

import numpy as np
import scipy.fft

_FRAMES_PER_SECOND = 100

_DEGREES = (1, 2, 3)

_LAGS = (3, 8, 16, 30)

_CROSS_LAGS = (4, 10)

_MODULATIONS = (0.4, 1.0, 2.0, 3.0, 4.5, 6.5, 9.0, 13.0, 20.0, 35.0)
"""Hz; the edges of the bands of the modulation spectrum."""

TRENDS = tuple(f"legendre_{degree}" for degree in _DEGREES)

RECURRENCES = tuple(f"autocorrelation_{lag}" for lag in _LAGS)

MODULATIONS = tuple(f"{low:g}_hz" for low in _MODULATIONS[:-1])


def trends(contours: np.ndarray) -> np.ndarray:
    """The first Legendre coefficients of each contour: whether it rises, bends, and bends back.

    Args:
        contours: float32 [contours, frames].

    Returns:
        float32 [contours, 3]; zeros where there are fewer than four frames, through which a cubic needs not bend.
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
        float32 [contours, 4], -1 to 1; 0 for constants, and for lags that are longer than the clip.
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
    """How strongly contours swing, and how fast: level in bands of their own spectra.

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
    """How contours go together: the logarithm of their covariance matrix.

    The logarithm makes the difference between two matrices a distance that does not depend on the contours' scales
    (Arsigny et al. 2006).

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
    """What contours tell of each other 40 and 100 ms later.

    Args:
        contours: float32 [contours, frames], each of a spread of about 1.

    Returns:
        float32 [2 * contours * contours]; zeros for lags that are longer than the clip.
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
    """Names for `cross_covariance` of contours of these names."""
    return [f"{one}_after_{other}_{lag}" for lag in _CROSS_LAGS for one in names for other in names]


def pair_names(names: list[str]) -> list[str]:
    """Names for `covariance` of contours of these names."""
    return [f"{one}_with_{other}" for number, one in enumerate(names) for other in names[number:]]


@functools.lru_cache(maxsize=1_024)
def _legendre(count: int) -> np.ndarray:
    """float32 [frames, 3], so that a product gives coefficients."""
    basis = np.polynomial.legendre.legvander(np.linspace(-1, 1, count), max(_DEGREES))[:, list(_DEGREES)]
    return (basis / (basis**2).sum(axis=0)).astype(np.float32)
