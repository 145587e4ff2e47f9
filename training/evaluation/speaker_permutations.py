"""Permutation tests over speakers: whether a difference is beyond chance, and when that cannot be told.

Clips of one speaker are not independent, so speakers are what is counted. If nothing differs, the difference of each
speaker has the one sign as likely as the other (sign-flip test; Fisher's randomisation of paired differences; Smucker
et al. 2007, CIKM, for systems that are compared on the same queries). With n speakers the smallest p is one in 2^n, or
two-sided two in 2^n: with five speakers 1/32 or 1/16. So with fewer than five no result reaches a confidence of 95 %,
and nothing is said. Tails of a bootstrap know no such limit: those of three speakers reach any p.
"""

import itertools
import math

import numpy as np

PERMUTATIONS = 1_999
"""Number of random permutations where there are too many to go through all; the least p is then 1 in 2,000."""

EXHAUSTIVE = 20_000
"""Largest number of permutations of which all are computed."""

_SLACK = 1e-12
"""Tolerance for sums that were added in another order."""


def fewest_speakers(confidence: float) -> int:
    """The smallest number of speakers from whom a one-sided difference can be told; 5 at a confidence of 95 %.

    Args:
        confidence: Above 0.5 and below 1.
    """
    return max(2, math.ceil(round(-math.log2(1 - confidence), 9)))


FEWEST_SPEAKERS = fewest_speakers(0.95)
"""With fewer speakers reports say that they cannot tell."""


def least_p(speakers: int) -> float:
    """The smallest two-sided p that a sign-flip test of so many speakers can have."""
    return 2 / 2**speakers if 2**speakers <= EXHAUSTIVE else 1 / (PERMUTATIONS + 1)


def sign_flips(speakers: int, random: np.random.Generator) -> tuple[np.ndarray, bool]:
    """Signs for the difference of each speaker.

    Args:
        speakers: Number of speakers.
        random: Draws the signs where there are too many to go through all.

    Returns:
        int [flips, speakers] of 1 and -1, and whether these are all possible flips.
    """
    if 2**speakers <= EXHAUSTIVE:
        return np.array(list(itertools.product((1, -1), repeat=speakers))), True
    return random.choice((1, -1), (PERMUTATIONS, speakers)), False


def two_sided_p(permuted: np.ndarray, found: float, exhaustive: bool, extremes: int = 2) -> tuple[float, float]:
    """Share of the permutations that differ as much, and the smallest share that is possible.

    Args:
        permuted: The difference in each permutation; NaN where there is none.
        found: The difference as it is.
        exhaustive: Whether these are all permutations, among them the one that was observed.
        extremes: Number of permutations that always differ as much as the most extreme one, in either direction.
    """
    permuted = permuted[~np.isnan(permuted)]
    extreme = int((np.abs(permuted) >= abs(found) - _SLACK).sum())
    if exhaustive:
        return extreme / len(permuted), extremes / len(permuted)
    # The observed one counts as well (Phipson and Smyth 2010, Statistical Applications in Genetics 9).
    return (extreme + 1) / (len(permuted) + 1), 1 / (len(permuted) + 1)
