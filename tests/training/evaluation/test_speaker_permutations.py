"""What few speakers can tell, and what they cannot."""

import numpy as np
import pytest

from training.evaluation.paired import compare_models
from training.evaluation.speaker_permutations import (
    FEWEST_SPEAKERS,
    PERMUTATIONS,
    fewest_speakers,
    least_p,
    sign_flips,
    two_sided_p,
)


def better_for_all(speakers: int):
    """Two models, of which the second is right for every clip and the first for none."""
    truth = np.tile([0, 1, 2], 20 * speakers)
    return np.eye(3)[(truth + 1) % 3], np.eye(3)[truth], truth, np.repeat(np.arange(speakers), 60)


@pytest.mark.parametrize("speakers", [1, 2, 3, 4])
def test_few_speakers_cannot_tell_however_many_clips_they_have(speakers):
    found = compare_models(*better_for_all(speakers))

    assert {difference.p for difference in found.metrics.values()} == {None}
    assert found.mcnemar.p is None
    assert found.mcnemar.only_second == 60 * speakers


@pytest.mark.parametrize("speakers", [5, 6, 10])
def test_no_p_is_below_what_so_many_speakers_can_reach(speakers):
    found = compare_models(*better_for_all(speakers))

    assert found.metrics["wa"].p == least_p(speakers) == 2 / 2**speakers


def test_many_speakers_reach_what_random_permutations_can():
    found = compare_models(*better_for_all(20))

    assert found.metrics["ua"].p == least_p(20) == 1 / (PERMUTATIONS + 1)


def test_one_speaker_has_no_interval():
    assert {difference.interval for difference in compare_models(*better_for_all(1)).metrics.values()} == {None}
    assert all(difference.interval for difference in compare_models(*better_for_all(2)).metrics.values())


def test_speakers_whose_differences_have_different_signs_are_counted_by_hand():
    """Of the 32 flips of 4, 3, 2, 1 and -1, those whose sum is 9 or more, or -9 or less."""
    own = np.array([4, 3, 2, 1, -1])
    signs, exhaustive = sign_flips(5, np.random.default_rng(0))

    assert (exhaustive, signs.shape) == (True, (32, 5))
    assert two_sided_p(signs @ own, own.sum(), exhaustive) == (6 / 32, 2 / 32)


def test_the_fewest_speakers_follow_from_the_confidence():
    assert [fewest_speakers(confidence) for confidence in (0.6, 0.75, 0.9, 0.95, 0.99)] == [2, 2, 4, 5, 7]
    assert FEWEST_SPEAKERS == 5
