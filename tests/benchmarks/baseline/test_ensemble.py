import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from benchmarks.baseline.ensemble import pool_weights, pooled


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

    found = pooled(members, np.array(weights))

    assert np.isfinite(found).all()
    assert np.allclose(found.sum(1), 1)


def test_one_member_of_weight_one_answers_as_it_is():
    member, _ = answers(0, 50, 1.0)

    assert np.allclose(pooled([member], np.ones(1)), member)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1_000))
def test_learned_weights_are_no_worse_than_any_member_or_equal_weights(seed):
    good, truth = answers(seed, 300, 2.0)
    noise, _ = answers(seed + 5_000, 300, 0.0)

    weights = pool_weights([good, noise], truth)

    assert (weights >= 0).all()
    learned = loss(pooled([good, noise], weights), truth)
    for other in ([1, 0], [0, 1], [0.5, 0.5]):
        assert learned <= loss(pooled([good, noise], np.array(other, float)), truth) + 1e-4


def test_who_knows_nothing_gets_next_to_no_weight():
    good, truth = answers(0, 5_000, 2.0)
    noise, _ = answers(1, 5_000, 0.0)

    weights = pool_weights([good, noise], truth)

    assert weights[1] < 0.1 * weights[0]
