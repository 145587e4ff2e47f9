"""Bootstrap over speakers: how far a figure would move if other speakers had been recorded.

Clips of one speaker are not independent. So speakers are drawn with replacement, each with all of their clips (cluster
bootstrap; Efron and Tibshirani 1993, chapter 13). All figures follow from sums over clips, such as confusion matrices,
so a resample is a weighted sum over the speakers.
"""

import numpy as np

RESAMPLES = 2_000
"""Number of resamples: enough that the ends of an interval move by less than 0.3 points from one seed to another."""


def draw_speakers(speakers: int, resamples: int, seed: int | np.random.Generator) -> np.ndarray:
    """Draw speakers with replacement.

    Args:
        speakers: Number of speakers. Each resample has as many.
        resamples: Number of resamples.
        seed: Seed of the draws, or the generator to draw with.

    Returns:
        int [resamples, speakers], how often each speaker is in each resample.
    """
    return np.random.default_rng(seed).multinomial(speakers, np.full(speakers, 1 / speakers), resamples)


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of resampled values (percentile method).

    Args:
        values: float [resamples], of two speakers or more. NaN stands for a resample in which the figure is not
            defined; it is left out.
    """
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def interval_of(values: np.ndarray, speakers: int) -> tuple[float, float] | None:
    """The `percentile_interval`, or None for a single speaker, of whom all resamples are the same.

    Args:
        values: float [resamples].
        speakers: Number of speakers that were drawn from.
    """
    return percentile_interval(values) if speakers > 1 else None
