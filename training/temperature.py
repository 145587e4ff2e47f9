"""One temperature for all answers of a model, so that its confidence is the share of answers that are right.

Temperature scaling (Guo et al. 2017, arXiv:1706.04599) divides the logits by the temperature. That changes no order of
the classes: above 1 all confidences shrink, below 1 they grow. The temperature is fitted on speakers that the model was
not trained on.
"""

import numpy as np
import tensorflow as tf

SMALLEST = 1e-30
"""Probabilities are raised to this value before their logarithm is taken."""

_RANGE = (0.1, 10.0)
"""Lowest and highest temperature. Any model that has learned something needs one between them."""


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities at a temperature: the softmax of the logits divided by it.

    Args:
        probabilities: float [clips, classes], at temperature 1.
        temperature: Above 0. Scaling by its inverse undoes it.

    Returns:
        float64 [clips, classes].
    """
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def scaled_tensor(probabilities: tf.Tensor, temperature: float) -> tf.Tensor:
    """`scaled` in a TensorFlow graph, in the type of the probabilities."""
    if temperature == 1:
        return probabilities
    return tf.nn.softmax(tf.math.log(tf.maximum(probabilities, SMALLEST)) / temperature)


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature with the lowest cross-entropy.

    Args:
        probabilities: float [clips, classes], at temperature 1.
        truth: int [clips], index of the right class.

    Returns:
        A number from 0.1 to 10.

    Raises:
        ValueError: If there are no clips.
    """
    # Imported late: a model that is served needs no SciPy.
    from scipy.optimize import minimize_scalar

    if not len(truth):
        raise ValueError("a temperature needs at least one clip. Received: none")
    rows = np.arange(len(truth))

    def cross_entropy(logarithm: float) -> float:
        right = scaled(probabilities, float(np.exp(logarithm)))[rows, truth]
        return float(-np.log(np.maximum(right, SMALLEST)).mean())

    low, high = np.log(_RANGE)
    return float(np.exp(minimize_scalar(cross_entropy, bounds=(low, high), method="bounded").x))


def cross_fitted(probabilities: np.ndarray, truth: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Probabilities of each group, at the temperature that was fitted on all other groups.

    Args:
        probabilities: float [clips, classes], at temperature 1.
        truth: int [clips], index of the right class.
        groups: [clips], the group of each clip, such as its speaker or fold; two or more different ones.

    Returns:
        float [clips, classes], in the type of the probabilities.
    """
    answers = np.empty_like(probabilities)
    for group in np.unique(groups):
        own = groups == group
        answers[own] = scaled(probabilities[own], fit_temperature(probabilities[~own], truth[~own]))
    return answers
