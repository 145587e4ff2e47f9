import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation import metrics
from training.evaluation.paired import compare_models, holm, mcnemar


def certain(answers, classes=3):
    return np.eye(classes)[answers]


def noisy(truth, errors, seed, classes=3):
    """Predictions of which a share is wrong."""
    random = np.random.default_rng(seed)
    return certain(np.where(random.random(len(truth)) < errors, (truth + 1) % classes, truth), classes)


def test_mcnemar_counts_what_only_one_has_right():
    first = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    second = np.array([1, 1, 0, 1, 1, 1, 1, 1, 1, 0], bool)
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (1, 5)
    # Of six coins one or none, or five or six, show heads: 2 (1 + 6) / 64.
    assert found.p == pytest.approx(14 / 64)
    assert mcnemar(first, first).p == 1.0


def test_a_better_model_differs_from_a_worse_one_and_none_from_itself():
    random = np.random.default_rng(0)
    truth, speakers = random.integers(0, 3, 400), np.repeat(np.arange(20), 20)
    worse, better = noisy(truth, 0.5, 1), noisy(truth, 0.2, 2)
    found = compare_models(worse, better, truth, speakers)
    for name, difference in found.metrics.items():
        assert difference.interval[0] > 0.1, name
        assert difference.p < 0.01
    assert found.metrics["wa"].difference == pytest.approx(
        (better.argmax(1) == truth).mean() - (worse.argmax(1) == truth).mean()
    )
    same = compare_models(worse, worse, truth, speakers)
    assert same.metrics["ua"].interval == (0.0, 0.0)
    assert same.metrics["ua"].p == same.mcnemar.p == 1.0
    json.dumps(found.to_json())


def test_speakers_are_drawn_not_clips():
    """A model that is better for half of the speakers and worse for the others is not better, however many clips."""
    truth, speakers = np.tile([0, 1, 2], 400), np.repeat(np.arange(6), 200)
    lucky = np.isin(speakers, [0, 1, 2, 3])
    first, second = certain(np.where(lucky, (truth + 1) % 3, truth)), certain(np.where(lucky, truth, (truth + 1) % 3))
    found = compare_models(first, second, truth, speakers)
    assert found.mcnemar.p < 1e-10
    low, high = found.metrics["wa"].interval
    assert low < 0 < high


def test_a_paired_interval_is_narrower_than_two_of_their_own():
    """Speakers who are hard for both models do not widen the interval of the difference."""
    random = np.random.default_rng(3)
    truth, speakers = random.integers(0, 3, 1_000), np.repeat(np.arange(10), 100)
    hard = random.random(1_000) < np.repeat(np.linspace(0.1, 0.9, 10), 100)
    first = certain(np.where(hard, (truth + 1) % 3, truth))
    second = certain(np.where(hard & (random.random(1_000) < 0.9), (truth + 1) % 3, truth))
    low, high = compare_models(first, second, truth, speakers).metrics["wa"].interval
    own = metrics.compute_metrics(first, truth, speakers, ("a", "b", "c"))["wa_interval"]
    assert high - low < 0.5 * (own[1] - own[0])


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.integers(0, 1_000))
def test_swapping_the_models_turns_the_sign(clips, seed):
    random = np.random.default_rng(seed)
    truth, speakers = random.integers(0, 3, clips), random.integers(0, 5, clips)
    first, second = random.dirichlet(np.ones(3), clips), random.dirichlet(np.ones(3), clips)
    found = compare_models(first, second, truth, speakers, resamples=60, seed=seed)
    turned = compare_models(second, first, truth, speakers, resamples=60, seed=seed)
    for name in found.metrics:
        assert found.metrics[name].difference == -turned.metrics[name].difference
        ends, turned_ends = found.metrics[name].interval, turned.metrics[name].interval
        assert (ends or ()) == pytest.approx([-end for end in reversed(turned_ends or ())])
        p = found.metrics[name].p
        assert p == turned.metrics[name].p
        assert (p is None) == (found.speakers < 5)
        assert p is None or 0 < p <= 1


def test_holms_correction_worked_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_models_of_other_classes_cannot_be_compared():
    with pytest.raises(ValueError, match="the same classes"):
        compare_models(np.ones((2, 3)), np.ones((2, 4)), np.zeros(2, int), np.zeros(2))
    with pytest.raises(ValueError, match="one or more"):
        compare_models(np.ones((0, 3)), np.ones((0, 3)), np.zeros(0, int), np.zeros(0))
