"""Targets: acted, voted and soft labels over any set of emotions."""

from typing import get_args

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from data_pipeline.dataset import Split
from data_pipeline.emotion import EMOTIONS, LABELS
from data_pipeline.errors import UserError
from data_pipeline.label_distribution import label_distribution
from data_pipeline.targets import LabelKind, Target, truth

votes_of_a_clip = arrays.arrays(np.int64, len(EMOTIONS), elements=st.integers(0, 20))


def distribution(target: Target, emotion: str, votes) -> np.ndarray:
    return label_distribution(tf.constant(emotion), tf.constant(votes, tf.int64), target).numpy()


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(get_args(LabelKind)), st.sampled_from(LABELS), votes_of_a_clip)
def test_a_target_is_a_distribution(kind, emotion, votes):
    shares = distribution(Target(kind=kind), emotion, votes)

    assert shares.shape == (6,)
    assert (shares >= 0).all()
    assert shares.sum() == pytest.approx(1)


def one_truth(target: Target, emotion: str, votes) -> int:
    (right,) = truth(target.indices(np.array([emotion])), np.array([votes]), target)
    return right


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(LABELS), votes_of_a_clip)
def test_the_one_right_answer_of_soft_is_where_the_target_peaks(emotion, votes):
    shares = distribution(Target(kind="soft"), emotion, votes)

    peaks = np.flatnonzero(shares == shares.max())
    assert one_truth(Target(kind="soft"), emotion, votes) == (peaks[0] if len(peaks) == 1 else -1)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(LABELS), votes_of_a_clip | arrays.arrays(np.int64, len(EMOTIONS), elements=st.integers(0, 2)))
def test_the_one_right_answer_of_voted_is_what_most_heard_of_all_emotions(emotion, votes):
    target = Target(kind="voted")
    winners = np.flatnonzero(votes == votes.max())

    right = one_truth(target, emotion, votes)

    if not votes.any():
        assert right == LABELS.index(emotion)
    elif len(winners) == 1 and winners[0] < len(LABELS):
        assert right == winners[0]
    else:
        assert right == -1
    if right >= 0:
        assert distribution(target, emotion, votes).tolist() == np.eye(6)[right].tolist()


def test_voted_has_no_right_answer_where_most_heard_none_of_the_labels():
    target = Target(("anger", "sadness"), "voted")
    mostly_neutral, only_neutral = [0, 0, 0, 0, 9, 1, 0, 0, 0], [0, 0, 0, 0, 9, 0, 0, 0, 0]

    assert one_truth(target, "anger", mostly_neutral) == -1
    assert one_truth(target, "anger", only_neutral) == -1
    # What is learned then: the votes on the labels, or else what was acted.
    assert distribution(target, "anger", [3, 0, 0, 0, 9, 1, 0, 0, 0]).tolist() == [0.75, 0.25]
    assert distribution(target, "anger", only_neutral).tolist() == [1, 0]


def test_soft_takes_no_notice_of_votes_on_other_emotions():
    target = Target(("anger", "sadness"), "soft")

    assert one_truth(target, "anger", [0, 0, 0, 0, 9, 1, 0, 0, 0]) == 1
    assert one_truth(target, "anger", [0, 0, 0, 0, 9, 0, 0, 0, 0]) == 0


def test_a_label_that_ties_with_another_emotion_is_no_right_answer_of_voted():
    target = Target(("anger", "sadness"), "voted")
    votes = [1, 0, 0, 0, 5, 5, 0, 0, 0]

    assert one_truth(target, "anger", votes) == -1
    assert distribution(target, "anger", votes).tolist() == [0, 1]


def test_acted_takes_no_notice_of_votes():
    shares = distribution(Target(), "fear", [9, 0, 0, 0, 0, 0, 0, 0, 0])

    assert shares.tolist() == [0, 0, 1, 0, 0, 0]


def test_soft_gives_the_shares_of_votes_on_the_labels():
    votes = [2, 0, 1, 0, 1, 0, 90, 0, 0]

    assert distribution(Target(kind="soft"), "fear", votes).tolist() == [0.5, 0, 0.25, 0, 0.25, 0]


def test_voted_takes_the_most_heard_and_shares_a_tie():
    assert distribution(Target(kind="voted"), "fear", [2, 3, 1, 0, 0, 0, 0, 0, 0]).tolist() == [0, 1, 0, 0, 0, 0]
    assert distribution(Target(kind="voted"), "fear", [3, 3, 1, 0, 0, 0, 0, 0, 0]).tolist() == [0.5, 0.5, 0, 0, 0, 0]


@pytest.mark.parametrize("kind", get_args(LabelKind))
def test_a_clip_that_nobody_voted_on_counts_as_acted(kind):
    assert distribution(Target(kind=kind), "sadness", [0] * 9).tolist() == [0, 0, 0, 0, 0, 1]


def test_clips_inside_and_outside_are_counted():
    split = Split(10, 1.0, (), {"anger": 3, "calm": 5, "neutral": 2}, (), {}, 0)

    assert Target().clips(split) == 5
    assert Target().outside(split) == {"calm": 5}
    assert Target(("neutral", "calm")).clips(split) == 7


def test_the_order_of_labels_is_the_order_of_outputs():
    assert distribution(Target(("calm", "anger")), "anger", [0] * 9).tolist() == [0, 1]
    assert Target(("calm", "anger")).indices(np.array(["anger", "calm", "anger"])).tolist() == [1, 0, 1]


@pytest.mark.parametrize("labels", [("anger",), ("anger", "anger"), ("anger", "joyful"), ()])
def test_labels_that_are_none_are_refused(labels):
    with pytest.raises(UserError, match="name two or more of anger"):
        Target(labels)


def test_an_unknown_kind_is_refused():
    with pytest.raises(UserError, match="kind is 'loud': give 'acted', 'voted' or 'soft'"):
        Target(kind="loud")


@pytest.mark.parametrize(("share", "expected"), [(0.0, [1.0, 0.0]), (0.4, [0.7, 0.3]), (1.0, [0.25, 0.75])])
def test_votes_can_have_a_share_of_what_was_acted(share, expected):
    target = Target(("anger", "fear"), votes_share=share)
    votes = np.zeros(len(EMOTIONS), np.int64)
    votes[EMOTIONS.index("anger")], votes[EMOTIONS.index("fear")] = 1, 3
    np.testing.assert_allclose(
        label_distribution(tf.constant("anger"), tf.constant(votes), target), expected, atol=1e-6
    )
    np.testing.assert_array_equal(truth(np.array([0]), votes[None], target), [0])
    # Nobody voted: what was acted is all there is.
    np.testing.assert_allclose(label_distribution(tf.constant("anger"), tf.zeros_like(votes), target), [1, 0])


def test_votes_are_not_mixed_into_votes():
    with pytest.raises(UserError, match="'soft' are votes already: give --votes-share 0"):
        Target(kind="soft", votes_share=0.5)
    with pytest.raises(UserError, match=r"votes_share is 1\.5: give a number from 0 to 1"):
        Target(votes_share=1.5)
