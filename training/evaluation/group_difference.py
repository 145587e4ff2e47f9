"""Whether a model is better or worse for a group of clips than for the other clips, beyond chance.

The mean over emotions of the recall is compared, so that a group with many clips of easy emotions has no advantage.
Clips of one speaker are not independent, so the tests draw and permute speakers:

- A group of speakers (women). If the group does not matter, the recalls of any set of as many speakers are as likely
  to differ that much. So the speakers are dealt to the group at random (permutation test; Good 2005, Permutation,
  Parametric and Bootstrap Tests of Hypotheses, chapter 3).
- A group of clips that every speaker has (a sentence). Each speaker has a difference of their own. If the group does
  not matter, the opposite sign is as likely (sign-flip test; see `speaker_permutations`).
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from training.evaluation.bootstrap import RESAMPLES, draw_speakers, percentile_interval
from training.evaluation.speaker_permutations import EXHAUSTIVE, PERMUTATIONS, sign_flips, two_sided_p


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """How a group differs from all other clips.

    Attributes:
        difference: Mean recall in the group minus that in the other clips, between -1 and 1.
        interval: 95 % interval by bootstrap over speakers.
        p: Two-sided p value of a permutation test over speakers.
        least_p: The smallest p that is possible with so few speakers.
        speakers: Number of speakers in the test.
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
        seed: Seed of the permutations and the bootstrap.

    Returns:
        None where nothing can be compared: fewer than two speakers in the group or outside, or no class in both.
    """
    names, member = np.unique(speakers, return_inverse=True)
    # Right clips and all clips of each speaker and class, outside and inside of the group.
    hits, clips = np.zeros((2, len(names), int(truth.max()) + 1, 2))
    np.add.at(hits, (member, truth, inside.astype(int)), right)
    np.add.at(clips, (member, truth, inside.astype(int)), 1)
    random = np.random.default_rng(seed)
    both = (clips.sum(1) > 0).all(-1)
    return _within_speakers(hits, clips, random) if both.any() else _between_speakers(hits, clips, random)


def _between_speakers(hits: np.ndarray, clips: np.ndarray, random: np.random.Generator) -> GroupDifference | None:
    """Compare a group to which a speaker belongs with all of their clips."""
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
    # If the group is half of the speakers, exchanging the halves gives the same difference with the other sign.
    p, least = two_sided_p(differences, found, exhaustive, extremes=2 if 2 * size == count else 1)
    group, others = draw_speakers(size, RESAMPLES, random), draw_speakers(count - size, RESAMPLES, random)
    resampled = _mean_difference(
        (group @ hits[members], group @ clips[members]), (others @ hits[~members], others @ clips[~members])
    )
    return GroupDifference(float(found), percentile_interval(resampled), p, least, count)


def _deals(count: int, size: int, random: np.random.Generator) -> tuple[np.ndarray, bool]:
    """Sets of `size` of the `count` speakers, bool [deals, speakers], and whether these are all possible sets."""
    exhaustive = math.comb(count, size) <= EXHAUSTIVE
    if exhaustive:
        chosen = np.array(list(itertools.combinations(range(count), size)))
    else:
        chosen = np.argpartition(random.random((PERMUTATIONS, count)), size, axis=1)[:, :size]
    dealt = np.zeros((len(chosen), count), bool)
    np.put_along_axis(dealt, chosen, True, axis=1)
    return dealt, exhaustive


def _recall_differences(members: np.ndarray, hits: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """For each row of bool [deals, speakers], the group's mean recall minus that of the others."""
    group, others = members.astype(float), (~members).astype(float)
    return _mean_difference((group @ hits, group @ clips), (others @ hits, others @ clips))


def _mean_difference(group: tuple[np.ndarray, np.ndarray], others: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Mean difference of the recalls of the classes that both have; NaN where they share no class.

    Args:
        group: Right clips and all clips of the group, each [..., classes].
        others: Right clips and all clips of the others.
    """
    shared = (group[1] > 0) & (others[1] > 0)
    recalls = [
        np.divide(hits, clips, out=np.zeros_like(hits, float), where=clips > 0) for hits, clips in (group, others)
    ]
    sums, counts = ((recalls[0] - recalls[1]) * shared).sum(-1), shared.sum(-1)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _within_speakers(hits: np.ndarray, clips: np.ndarray, random: np.random.Generator) -> GroupDifference | None:
    """Compare a group in which most speakers have some, but not all, of their clips."""
    own = _mean_difference((hits[..., 1], clips[..., 1]), (hits[..., 0], clips[..., 0]))
    own = own[~np.isnan(own)]
    count = len(own)
    if count < 2:
        return None
    signs, exhaustive = sign_flips(count, random)
    p, least = two_sided_p(signs @ own / count, own.mean(), exhaustive)
    resampled = draw_speakers(count, RESAMPLES, random) @ own / count
    return GroupDifference(float(own.mean()), percentile_interval(resampled), p, least, count)
