"""Classifiers pooled: p ~ exp(sum of weight x log p), with weights that minimise the log-loss of unheard speakers."""

from collections.abc import Sequence

import numpy as np

_LEAST = 1e-4
"""Probabilities are raised to this, lest one classifier's zero decide."""


def pooled(members: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """The pool's answers, float [clips, classes], of its members' [clips, classes]."""
    scores = np.tensordot(weights, _logs(members), 1)
    answers = np.exp(scores - scores.max(1, keepdims=True))
    return answers / answers.sum(1, keepdims=True)


def pool_weights(members: Sequence[np.ndarray], truth: np.ndarray) -> np.ndarray:
    """Weights >= 0 of the members, float [members].

    Args:
        members: Answers of each to clips that it was not fitted on, [clips, classes].
        truth: int [clips].
    """
    from scipy.optimize import minimize

    logs = _logs(members)
    rows = np.arange(len(truth))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        answers = pooled(members, weights)
        expected = (answers * logs).sum(2)
        return (
            float(-np.log(answers[rows, truth]).mean()),
            (expected - logs[:, rows, truth]).mean(1),
        )

    count = len(members)
    found = minimize(loss, np.full(count, 1 / count), jac=True, bounds=[(0, 50)] * count, method="L-BFGS-B")
    return found.x


def _logs(members: Sequence[np.ndarray]) -> np.ndarray:
    return np.log(np.maximum(np.stack(members), _LEAST))
