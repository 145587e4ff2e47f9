"""Whether a distribution has changed: the population stability index, and how much of it is chance.

The index is the sum over bins of (q - p) ln(q / p), where p and q are the shares of the values before and now (Siddiqi
2006, Credit Risk Scorecards; it is Jeffreys' divergence). By convention nothing has changed below 0.1, and a lot from
0.25 on. The convention ignores the sample size, and with few recordings the index is large by chance: if nothing has
changed, it is about (1/n + 1/m) times a chi-squared variable whose degrees of freedom are the number of bins minus one
(Yurdakul and Naranjo 2020, Journal of Risk Model Validation 14). So only an index above that counts.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import chdtri

SOME = 0.1
"""Above this index a distribution has changed somewhat."""

LARGE = 0.25
"""Above this index it has changed."""

_BINS = 10
"""Number of bins of a number, at the deciles of the values before."""

_RISK = 0.01
"""Probability that any of the figures is said to have changed although none has."""


class Change(StrEnum):
    """Whether a figure has changed."""

    ALIKE = "alike"
    SOMEWHAT = "somewhat changed"
    CHANGED = "changed"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Stability:
    """How far a distribution has changed.

    Attributes:
        index: The population stability index.
        by_chance: The index that chance hardly exceeds if nothing has changed.
        change: Whether the distribution has changed.
        before: Number of values before.
        now: Number of values now.
        enough: Number of values now with which a large change can be told from chance; 0 if no number is enough.
    """

    index: float
    by_chance: float
    change: Change
    before: int
    now: int
    enough: int


def stability_of_numbers(before: np.ndarray, now: np.ndarray, figures: int) -> Stability:
    """Compare two samples of a number.

    Args:
        before: float [values], one or more.
        now: float [values], one or more.
        figures: Number of figures that are compared in all; it decides which index chance hardly exceeds.
    """
    edges = np.quantile(before, np.arange(1, _BINS) / _BINS)
    # A frequent value is a bin of its own. Otherwise it would be in one bin with the values above it.
    common = edges[1:][edges[1:] == edges[:-1]]
    edges = np.unique(np.concatenate([edges, np.nextafter(common, np.inf)]))
    places = [np.searchsorted(edges, values, side="right") for values in (before, now)]
    counts = [np.bincount(place, minlength=len(edges) + 1) for place in places]
    return stability_of_counts(counts[0], counts[1], figures)


def stability_of_counts(before: np.ndarray, now: np.ndarray, figures: int) -> Stability:
    """Compare how often each class occurs.

    Args:
        before: int [classes]; two classes or more.
        now: int [classes].
        figures: See `stability_of_numbers`.
    """
    # Half a value is added to every bin, so that the logarithm of an empty one is finite.
    shares = [(counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (before, now)]
    index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    quantile = float(chdtri(len(before) - 1, _RISK / figures))
    by_chance = quantile * (1 / before.sum() + 1 / now.sum())
    spare = LARGE / quantile - 1 / before.sum()
    return Stability(
        index=index,
        by_chance=float(by_chance),
        change=_change(index, by_chance),
        before=int(before.sum()),
        now=int(now.sum()),
        enough=math.ceil(1 / spare) if spare > 0 else 0,
    )


def _change(index: float, by_chance: float) -> Change:
    if index > max(by_chance, LARGE):
        return Change.CHANGED
    if by_chance >= LARGE:
        return Change.CANNOT_TELL
    return Change.SOMEWHAT if index > max(by_chance, SOME) else Change.ALIKE
