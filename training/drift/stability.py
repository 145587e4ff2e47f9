"""Whether a distribution has moved: the population stability index, and how much of it is chance.

The index is the sum over bins of (q - p) ln(q / p), p and q being the shares of what there was and of what there is
(Siddiqi 2006, Credit Risk Scorecards; it is Jeffreys' divergence). By convention below 0.1 nothing has changed and
from 0.25 on a lot. The convention knows no sample size, and few recordings make the index large by chance: where
nothing has changed it is about (1/n + 1/m) times a chi-squared variable of one degree of freedom less than there are
bins (Yurdakul and Naranjo 2020, Journal of Risk Model Validation 14), so that only what is above that counts.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import chdtri

SOME = 0.1
"""Index from which on a distribution has changed somewhat."""

LARGE = 0.25
"""Index from which on it has changed."""

_BINS = 10
"""Of numbers, at the deciles of what there was."""

_RISK = 0.01
"""Chance that any of the figures is said to have changed though none has."""


class Change(StrEnum):
    """What is said of a figure."""

    ALIKE = "alike"
    SOMEWHAT = "somewhat changed"
    CHANGED = "changed"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Stability:
    """How far a distribution has moved.

    Attributes:
        index: The population stability index.
        by_chance: What it would hardly exceed if nothing had changed.
        change: What follows.
        before: Values that there were.
        now: Values that there are.
        enough: Values with which a large change can be told from chance; 0 if no number would do.
    """

    index: float
    by_chance: float
    change: Change
    before: int
    now: int
    enough: int


def of_numbers(before: np.ndarray, now: np.ndarray, figures: int) -> Stability:
    """Compare two samples of a number.

    Args:
        before: float [values], one or more.
        now: The same.
        figures: How many figures are compared in all, for the chance that any is wrong.
    """
    edges = np.quantile(before, np.arange(1, _BINS) / _BINS)
    # A value that many have is a bin of its own, or what lies above it would not be told from it.
    common = edges[1:][edges[1:] == edges[:-1]]
    edges = np.unique(np.concatenate([edges, np.nextafter(common, np.inf)]))
    places = [np.searchsorted(edges, values, side="right") for values in (before, now)]
    counts = [np.bincount(place, minlength=len(edges) + 1) for place in places]
    return of_counts(counts[0], counts[1], figures)


def of_counts(before: np.ndarray, now: np.ndarray, figures: int) -> Stability:
    """Compare how often each of some classes occurs.

    Args:
        before: int [classes]; two classes or more.
        now: The same.
        figures: See `of_numbers`.
    """
    # Half a value in every bin keeps the logarithm finite where one is empty.
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
