import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation import metrics

LABELS = ("a", "b", "c")


def certain(answers):
    return np.eye(3)[answers]


def test_metrics_of_a_case_worked_by_hand():
    truth = np.array([0, 0, 0, 0, 1, 1])
    answers = np.array([0, 0, 0, 1, 1, 0])
    found = metrics.compute_metrics(certain(answers), truth, np.array(list("xxyyzz")), LABELS)
    assert found["clips"] == 6
    assert found["speakers"] == 3
    assert found["wa"] == pytest.approx(4 / 6)
    assert found["ua"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert found["macro_f1"] == pytest.approx((6 / 8 + 2 / 4) / 2)
    assert found["confusion"] == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert found["per_class"]["a"] == pytest.approx({"precision": 0.75, "recall": 0.75, "f1": 0.75, "clips": 4})
    assert found["per_class"]["c"] == {"precision": 0, "recall": 0, "f1": 0, "clips": 0}
    assert found["ece"] == pytest.approx(2 / 6)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    probabilities = np.tile([0.7, 0.2, 0.1], (10, 1))
    truth = np.array([0] * 7 + [1] * 3)
    assert metrics.compute_metrics(probabilities, truth, np.arange(10), LABELS)["ece"] == pytest.approx(0)
    truth = np.array([0] * 2 + [1] * 8)
    assert metrics.compute_metrics(probabilities, truth, np.arange(10), LABELS)["ece"] == pytest.approx(0.5)


def test_intervals_come_from_speakers_not_clips():
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 600)
    wrong_by_speaker = np.repeat(random.random(6) < 0.5, 100)
    answers = np.where(wrong_by_speaker, (truth + 1) % 3, truth)
    few = metrics.compute_metrics(certain(answers), truth, np.repeat(np.arange(6), 100), LABELS)
    many = metrics.compute_metrics(certain(answers), truth, np.arange(600), LABELS)
    assert few["wa_interval"][1] - few["wa_interval"][0] > 4 * (many["wa_interval"][1] - many["wa_interval"][0])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(0, 1_000))
def test_rates_lie_within_their_intervals_and_bounds(clips, seed):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(3), clips)
    found = metrics.compute_metrics(
        probabilities, random.integers(0, 3, clips), random.integers(0, 5, clips), LABELS, resamples=50
    )
    for key in ("wa", "ua", "macro_f1", "ece"):
        assert 0 <= found[key] <= 1
        if found["speakers"] == 1:
            assert found[f"{key}_interval"] is None
            continue
        low, high = found[f"{key}_interval"]
        assert 0 <= low <= high <= 1
    assert sum(map(sum, found["confusion"])) == clips
    assert found == metrics.compute_metrics(probabilities, *_again(clips, seed), LABELS, resamples=50)


def _again(clips, seed):
    random = np.random.default_rng(seed)
    random.dirichlet(np.ones(3), clips)
    return random.integers(0, 3, clips), random.integers(0, 5, clips)


def test_no_clips_is_an_error():
    with pytest.raises(ValueError, match="above 0"):
        metrics.compute_metrics(np.zeros((0, 3)), np.zeros(0, int), np.zeros(0), LABELS)


def test_reliability_counts_every_prediction_once():
    random = np.random.default_rng(1)
    probabilities, truth = random.dirichlet(np.ones(4) / 2, 4_000), random.integers(0, 4, 4_000)
    rows = metrics.reliability(probabilities, truth)
    assert sum(row["clips"] for row in rows) == len(truth)
    error = sum(row["clips"] * abs(row["confidence"] - row["accuracy"]) for row in rows) / len(truth)
    assert error == pytest.approx(metrics.calibration_error(probabilities, truth))
    assert [row["confidence"] for row in rows] == sorted(row["confidence"] for row in rows)
