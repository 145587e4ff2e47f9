import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from data_pipeline.splits import folds_of_speakers
from training.ensemble.pool import Pool, cross_fit


def answers(seed: int, clips: int, trust: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that lean towards the truth by `trust`."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, clips)
    scores = random.normal(size=(clips, 4)) + trust * np.eye(4)[truth]
    raised = np.exp(scores)
    return raised / raised.sum(1, keepdims=True), truth


def loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(truth)), truth]).mean())


@given(st.integers(0, 1_000), st.lists(st.floats(0, 5), min_size=2, max_size=3))
def test_answers_are_probabilities_even_of_members_that_are_certain(seed, weights):
    members = [answers(seed + number, 20, 1.0)[0] for number in range(len(weights) - 1)]
    members.append(np.eye(4)[np.arange(20) % 4])

    found = Pool(np.array(weights), np.zeros(4)).answers(members)

    assert np.isfinite(found).all()
    assert np.allclose(found.sum(1), 1)


def test_one_member_with_weight_one_is_unchanged():
    member, _ = answers(0, 50, 1.0)

    assert np.allclose(Pool(np.ones(1), np.zeros(4)).answers([member]), member)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1_000))
def test_learned_weights_are_no_worse_than_any_member_or_equal_weights(seed):
    good, truth = answers(seed, 300, 2.0)
    noise, _ = answers(seed + 5_000, 300, 0.0)

    pool = Pool.fit([good, noise], truth)

    assert (pool.weights >= 0).all()
    learned = loss(pool.answers([good, noise]), truth)
    for other in ([1, 0], [0, 1], [0.5, 0.5]):
        assert learned <= loss(Pool(np.array(other, float), np.zeros(4)).answers([good, noise]), truth) + 1e-4


def test_a_useless_member_gets_almost_no_weight():
    good, truth = answers(0, 5_000, 2.0)
    noise, _ = answers(1, 5_000, 0.0)

    pool = Pool.fit([good, noise], truth)

    assert pool.weights[1] < 0.1 * pool.weights[0]


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1_000), st.booleans())
def test_no_step_from_the_fitted_pool_is_better(seed, biased):
    random = np.random.default_rng(seed)
    members = [answers(seed, 200, 1.0)[0], answers(seed + 1, 200, 0.5)[0]]
    truth = answers(seed, 200, 1.0)[1]

    pool = Pool.fit(members, truth, biased)

    least = loss(pool.answers(members), truth)
    for size in (0.03, 0.3):
        weights = np.maximum(pool.weights + size * random.normal(size=2), 0)
        biases = pool.biases + size * random.normal(size=4) * biased
        assert least <= loss(Pool(weights, biases).answers(members), truth) + 1e-5
    assert pool.biases.any() == biased
    assert abs(pool.biases.sum()) < 1e-9


def test_a_bias_makes_up_for_a_class_that_is_never_predicted():
    honest, truth = answers(0, 2_000, 2.0)
    timid = honest * np.array([1, 1, 1, 0.05])
    timid /= timid.sum(1, keepdims=True)

    biased, plain = Pool.fit([timid], truth, biased=True), Pool.fit([timid], truth)

    assert biased.biases.argmax() == 3
    assert loss(biased.answers([timid]), truth) < loss(plain.answers([timid]), truth) - 0.1


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 1_000), st.integers(0, 11))
def test_no_fold_is_predicted_by_a_pool_that_was_fitted_on_it(seed, speaker):
    members = [answers(seed, 120, 1.0)[0], answers(seed + 1, 120, 0.5)[0]]
    truth, speakers = answers(seed, 120, 1.0)[1], np.arange(120) % 12
    dealt = folds_of_speakers({str(one): "" for one in range(12)}, 4)
    folds = np.array([dealt[str(one)] for one in speakers])
    lied = np.where(speakers == speaker, (truth + 1) % 4, truth)

    honest, altered = cross_fit(members, truth, folds), cross_fit(members, lied, folds)

    judged = folds == dealt[str(speaker)]
    np.testing.assert_array_equal(honest.answers[judged], altered.answers[judged])
    assert not np.array_equal(honest.answers[~judged], altered.answers[~judged])
    assert honest.weights.shape == (4, 2)
