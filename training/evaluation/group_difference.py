"""Whether a model is better or worse for a group of clips than for the others, beyond chance.

What is compared is the mean over emotions of the recall, so that a group in which easy emotions are frequent has no
advantage by that. Clips of one speaker are not independent, so that speakers are what is drawn and permuted:

- A group of speakers (women): the recalls of any as many speakers are as likely to differ so much where the group does
  not matter, so that speakers are dealt anew (permutation test; Good 2005, Permutation, Parametric and Bootstrap Tests
  of Hypotheses, chapter 3).
- A group of clips that every speaker has (a sentence): each speaker has a difference of their own, whose sign is as
  likely the other one where the group does not matter (Fisher's randomisation of paired differences; Smucker et al.
  2007, CIKM, for systems that are compared on the same queries).
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

_PERMUTATIONS = 1_999
"""Drawn where not all can be gone through; the least p is then 1 in 2,000."""

_EXHAUSTIVE = 20_000
"""Up to so many, all permutations are gone through."""

_RESAMPLES = 2_000

_SLACK = 1e-12
"""Of sums in another order."""


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """How a group differs from all other clips.

    Attributes:
        difference: Mean recall in the group less that in the others, between -1 and 1.
        interval: 95 %, by bootstrap over speakers.
        p: Two-sided, of a permutation test over speakers.
        least_p: Below this p cannot be with so few speakers.
        speakers: How many the test is about.
    """

    difference: float
    interval: tuple[float, float]
    p: float
    least_p: float
    speakers: int


def group_difference(
    right: np.ndarray, truth: np.ndarray, speakers: np.ndarray, inside: np.ndarray, seed: int = 0
) -> GroupDifference | None:
    """Compare a group of clips with the others.

    Args:
        right: bool [clips], whether the model is right.
        truth: int [clips], index of the right class.
        speakers: [clips], who speaks.
        inside: bool [clips], whether the clip is in the group.
        seed: Of what is drawn.

    Returns:
        None where nothing can be compared: fewer than two speakers on either side, or no class on both.
    """
    hits, clips = _sums(right, truth, speakers, inside)
    random = np.random.default_rng(seed)
    both = (clips.sum(1) > 0).all(-1)
    return _within_speakers(hits, clips, random) if both.any() else _between_speakers(hits, clips, random)


def _sums(
    right: np.ndarray, truth: np.ndarray, speakers: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Clips that are right, and all clips: [speakers, classes, others or group]."""
    names, member = np.unique(speakers, return_inverse=True)
    shape = (len(names), int(truth.max()) + 1, 2)
    hits, clips = np.zeros(shape), np.zeros(shape)
    place = (member, truth, inside.astype(int))
    np.add.at(hits, place, right)
    np.add.at(clips, place, 1)
    return hits, clips


def _between_speakers(hits: np.ndarray, clips: np.ndarray, random: np.random.Generator) -> GroupDifference | None:
    """Of a group that a speaker belongs to with all clips."""
    members = clips[..., 1].sum(1) > 0
    hits, clips = hits.sum(-1), clips.sum(-1)
    count, size = len(members), int(members.sum())
    if min(size, count - size) < 2:
        return None
    [found] = _recall_differences(members[None], hits, clips)
    if math.isnan(found):
        return None
    dealt, exhaustive = _deals(count, size, random)
    differences = _recall_differences(dealt, hits, clips)
    # A half of the speakers differs from the other half as much as that from this.
    alike = 2 if 2 * size == count else 1
    p, least = _p(differences, found, exhaustive, alike)
    group = random.multinomial(size, np.full(size, 1 / size), _RESAMPLES)
    others = random.multinomial(count - size, np.full(count - size, 1 / (count - size)), _RESAMPLES)
    resampled = _mean_difference(
        (group @ hits[members], group @ clips[members]), (others @ hits[~members], others @ clips[~members])
    )
    return GroupDifference(float(found), _interval(resampled), p, least, count)


def _deals(count: int, size: int, random: np.random.Generator) -> tuple[np.ndarray, bool]:
    """Groups of so many of the speakers, bool [deals, speakers], and whether they are all that there are."""
    if math.comb(count, size) <= _EXHAUSTIVE:
        chosen = np.array(list(itertools.combinations(range(count), size)))
    else:
        chosen = np.argpartition(random.random((_PERMUTATIONS, count)), size, axis=1)[:, :size]
    dealt = np.zeros((len(chosen), count), bool)
    np.put_along_axis(dealt, chosen, True, axis=1)
    return dealt, math.comb(count, size) <= _EXHAUSTIVE


def _recall_differences(members: np.ndarray, hits: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """For each row of bool [deals, speakers], the group's mean recall less that of the others."""
    group, others = members.astype(float), (~members).astype(float)
    return _mean_difference((group @ hits, group @ clips), (others @ hits, others @ clips))


def _mean_difference(group: tuple[np.ndarray, np.ndarray], others: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Mean over the classes that both have of the difference of recalls; NaN where there is none.

    Args:
        group: Clips that are right and all clips, each [..., classes].
        others: The same of the others.
    """
    shared = (group[1] > 0) & (others[1] > 0)
    recalls = [
        np.divide(hits, clips, out=np.zeros_like(hits, float), where=clips > 0) for hits, clips in (group, others)
    ]
    sums, counts = ((recalls[0] - recalls[1]) * shared).sum(-1), shared.sum(-1)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _within_speakers(hits: np.ndarray, clips: np.ndarray, random: np.random.Generator) -> GroupDifference | None:
    """Of a group that most speakers have clips in, and others outside."""
    own = _mean_difference((hits[..., 1], clips[..., 1]), (hits[..., 0], clips[..., 0]))
    own = own[~np.isnan(own)]
    count = len(own)
    if count < 2:
        return None
    exhaustive = 2**count <= _EXHAUSTIVE
    signs = (
        np.array(list(itertools.product((1, -1), repeat=count)))
        if exhaustive
        else random.choice((1, -1), (_PERMUTATIONS, count))
    )
    p, least = _p(signs @ own / count, own.mean(), exhaustive, alike=2)
    draws = random.multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    return GroupDifference(float(own.mean()), _interval(draws @ own / count), p, least, count)


def _p(permuted: np.ndarray, found: float, exhaustive: bool, alike: int) -> tuple[float, float]:
    """Share of the permutations that differ as much, and the least that it can be.

    Args:
        permuted: Differences, of all permutations or of some.
        found: The difference as it is.
        exhaustive: Whether all were gone through, that which was found among them.
        alike: How many of all differ as much as any does, in either direction.
    """
    permuted = permuted[~np.isnan(permuted)]
    extreme = int((np.abs(permuted) >= abs(found) - _SLACK).sum())
    if exhaustive:
        return extreme / len(permuted), alike / len(permuted)
    # That which was found is one of them as well (Phipson and Smyth 2010, Statistical Applications in Genetics 9).
    return (extreme + 1) / (len(permuted) + 1), 1 / (len(permuted) + 1)


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
