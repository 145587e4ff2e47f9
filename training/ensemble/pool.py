"""Answers pooled: a weighted geometric mean, p ~ exp(bias + sum of weight x log p), its weights by maximum likelihood.

The logarithmic opinion pool (Genest and Zidek 1986, Statistical Science 1). Its log-loss is convex in weights and
biases, so that what is found is the best there is, and whoever repeats the fit finds the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST = 1e-4
"""Probabilities are raised to this, lest one member's zero decide."""

_MOST = 50.0
"""Of a weight: where members are always right, no finite one would be enough."""


@dataclass(frozen=True, slots=True)
class Pool:
    """How answers are put together.

    Attributes:
        weights: float [members], 0 or more. They need not add up to one: a sum below one makes the pool less sure than
            its members, one above it surer.
        biases: float [classes], added to each class's score; zeros for none.
    """

    weights: np.ndarray
    biases: np.ndarray

    @classmethod
    def equal(cls, members: int, classes: int) -> "Pool":
        """All members alike, which takes no fit."""
        return cls(np.full(members, 1 / members), np.zeros(classes))

    @classmethod
    def fit(cls, members: Sequence[np.ndarray], truth: np.ndarray, biased: bool = False) -> "Pool":
        """The pool that makes the right answers most likely.

        Args:
            members: Answers of each to clips that it was not fitted on, float [clips, classes].
            truth: int [clips], index of the right class; one clip or more.
            biased: Whether classes get biases. They add up to zero.
        """
        # Imported late: asking takes no SciPy.
        from scipy.optimize import minimize

        logs = _logs(members)
        count, clips, classes = logs.shape
        rows = np.arange(clips)

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            scores = np.tensordot(values[:count], logs, 1) + (values[count:] if biased else 0.0)
            answers = _softmax(scores)
            of_weights = ((answers * logs).sum(2) - logs[:, rows, truth]).mean(1)
            of_biases = answers.mean(0) - np.bincount(truth, minlength=classes) / clips
            likelihood = np.maximum(answers[rows, truth], 1e-300)
            return float(-np.log(likelihood).mean()), np.concatenate([of_weights, of_biases if biased else []])

        start = np.concatenate([np.full(count, 1 / count), np.zeros(classes if biased else 0)])
        bounds = [(0.0, _MOST)] * count + [(-_MOST, _MOST)] * (len(start) - count)
        found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
        biases = found[count:] - found[count:].mean() if biased else np.zeros(classes)
        return cls(found[:count], biases)

    def answers(self, members: Sequence[np.ndarray]) -> np.ndarray:
        """What the pool says, float [clips, classes].

        Args:
            members: What each says of the same clips, float [clips, classes].
        """
        return _softmax(np.tensordot(self.weights, _logs(members), 1) + self.biases)


def _logs(members: Sequence[np.ndarray]) -> np.ndarray:
    """float64 [members, clips, classes]."""
    return np.log(np.maximum(np.stack(members).astype(np.float64), LEAST))


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
