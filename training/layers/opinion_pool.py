"""The logarithmic opinion pool: a weighted geometric mean of the probabilities of several classifiers.

p ~ exp(bias + sum of weight x log p) (Genest and Zidek 1986, Statistical Science 1). `training.ensemble.pool` fits
weights and biases, `training.families.ensemble.network` computes the same in a graph.
"""

from collections.abc import Sequence

import numpy as np

LEAST = 1e-4
"""Probabilities are raised to this value, so that one member's zero does not decide."""


def log_probabilities(members: Sequence[np.ndarray]) -> np.ndarray:
    """Logarithms of the members' probabilities, float64 [members, clips, classes].

    Args:
        members: Probabilities of each member, float [clips, classes].
    """
    return np.log(np.maximum(np.stack(members).astype(np.float64), LEAST))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of the classes from scores [clips, classes]."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
