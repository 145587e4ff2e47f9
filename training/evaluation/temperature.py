import numpy as np


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Answers at a temperature: the softmax of logits that are divided by it.

    Args:
        probabilities: float [clips, classes], at temperature 1.
        temperature: Above 0. Scaling by its inverse undoes it.

    Returns:
        float [clips, classes].
    """
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-30)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
