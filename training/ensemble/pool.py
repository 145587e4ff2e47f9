"""Weights and biases of a logarithmic opinion pool (see `training.layers.opinion_pool`), by maximum likelihood.

The log-loss is convex in weights and biases, so the minimum that is found is the global one, and repeating the fit
gives the same pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.layers.opinion_pool import log_probabilities, softmax

_MOST = 50.0
"""Largest weight: where members are always right, no finite weight would be enough."""


@dataclass(frozen=True, slots=True)
class Pool:
    """How the probabilities of several members are combined.

    Attributes:
        weights: float [members], 0 or more. They need not add up to one: with a sum below one the pool is less
            confident than its members, with a sum above one it is more confident.
        biases: float [classes], added to each class's score; zeros for none.
    """

    weights: np.ndarray
    biases: np.ndarray

    @classmethod
    def equal(cls, members: int, classes: int) -> "Pool":
        """The pool with equal weights, which needs no fit."""
        return cls(np.full(members, 1 / members), np.zeros(classes))

    @classmethod
    def fit(cls, members: Sequence[np.ndarray], truth: np.ndarray, biased: bool = False) -> "Pool":
        """The pool with the highest likelihood of the right classes.

        Args:
            members: Probabilities of each member for clips that it was not fitted on, float [clips, classes].
            truth: int [clips], index of the right class; one clip or more.
            biased: Whether classes get biases. They add up to zero.
        """
        # Imported late: a pool that only predicts needs no SciPy.
        from scipy.optimize import minimize

        logs = log_probabilities(members)
        count, clips, classes = logs.shape
        rows = np.arange(clips)

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            scores = np.tensordot(values[:count], logs, 1) + (values[count:] if biased else 0.0)
            answers = softmax(scores)
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
        """The pooled probabilities, float [clips, classes].

        Args:
            members: Probabilities of each member for the same clips, float [clips, classes].
        """
        return softmax(np.tensordot(self.weights, log_probabilities(members), 1) + self.biases)


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Pooled probabilities of clips that the pool was not fitted on.

    Attributes:
        answers: float [clips, classes], from a pool that was fitted without the clip's fold.
        weights: float [folds, members], weights of these pools.
    """

    answers: np.ndarray
    weights: np.ndarray


def cross_fit(members: Sequence[np.ndarray], truth: np.ndarray, folds: np.ndarray, biased: bool = False) -> CrossFit:
    """Pool the members' probabilities of each fold, with weights that were fitted on all other folds.

    Args:
        members: Probabilities of each member for clips that it was not fitted on, float [clips, classes].
        truth: int [clips], index of the right class.
        folds: int [clips], the fold of the clip's speaker; two or more different ones.
        biased: See `Pool.fit`.
    """
    answers, weights = np.empty(members[0].shape, np.float64), []
    for fold in np.unique(folds):
        judged = folds == fold
        pool = Pool.fit([each[~judged] for each in members], truth[~judged], biased)
        answers[judged] = pool.answers([each[judged] for each in members])
        weights.append(pool.weights)
    return CrossFit(answers, np.array(weights))
