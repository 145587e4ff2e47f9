import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation import metrics
from training.temperature import cross_fitted, fit_temperature, scaled


def drawn(seed, temperature, clips=4_000, classes=4):
    """Overconfident probabilities: the truth is drawn from the probabilities at a temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (clips, classes))
    honest = scaled(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 1.0)
    truth = (honest.cumsum(1) > random.random((clips, 1))).argmax(1)
    return scaled(honest, 1 / temperature), truth, random.integers(0, 8, clips)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 99), st.floats(0.4, 4.0))
def test_the_temperature_of_overconfident_answers_is_found(seed, temperature):
    probabilities, truth, _ = drawn(seed, temperature)
    assert fit_temperature(probabilities, truth) == pytest.approx(temperature, rel=0.15)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.floats(0.2, 5.0))
def test_a_temperature_changes_no_order_and_can_be_undone(seed, temperature):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(5), 20)
    changed = scaled(probabilities, temperature)
    np.testing.assert_allclose(changed.sum(1), 1)
    np.testing.assert_array_equal(changed.argsort(1), probabilities.argsort(1))
    np.testing.assert_allclose(scaled(changed, 1 / temperature), probabilities, atol=1e-8)


def test_certain_answers_stay_finite():
    assert np.isfinite(scaled(np.eye(3), 0.1)).all()
    assert fit_temperature(np.eye(3), np.array([0, 1, 0])) > 1


def test_no_speaker_influences_their_own_temperature():
    probabilities, truth, speakers = drawn(0, 2.0)
    answers = cross_fitted(probabilities, truth, speakers)
    own = speakers == 3
    changed = truth.copy()
    changed[own] = (changed[own] + 1) % 4
    np.testing.assert_array_equal(cross_fitted(probabilities, changed, speakers)[own], answers[own])
    assert np.abs(cross_fitted(probabilities, changed, speakers)[~own] - answers[~own]).max() > 1e-4
    assert metrics.calibration_error(answers, truth) < 0.03 < metrics.calibration_error(probabilities, truth)
