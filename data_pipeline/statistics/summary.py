"""Numbers that sum up contours over time."""

import numpy as np

_PERCENTILES = (10, 25, 50, 75, 90)

STATISTICS = ("mean", "std", "skew", *(f"p{percentile}" for percentile in _PERCENTILES), "range", "slope", "change")


def summarise(contours: np.ndarray) -> np.ndarray:
    """Sum up each contour.

    Args:
        contours: float32 [contours, frames].

    Returns:
        float32 [contours, statistics], in the order of `STATISTICS`: mean, standard deviation, skew, percentiles, the
        range from the first of them to the last, slope by regression (per second), mean absolute change from frame
        to frame. Zeros where there are no frames.
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


def _percentiles(contours: np.ndarray) -> np.ndarray:
    """float32 [contours, percentiles], between frames where need be."""
    ordered = np.sort(contours, axis=1)
    places = np.array(_PERCENTILES) / 100 * (contours.shape[1] - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, contours.shape[1] - 1)
    weights = (places - below).astype(np.float32)
    return ordered[:, below] * (1 - weights) + ordered[:, above] * weights
