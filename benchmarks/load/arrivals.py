import numpy as np


def poisson(rate: float, seconds: float, seed: int) -> np.ndarray:
    """When callers call who know nothing of each other.

    Args:
        rate: Calls a second, on average.
        seconds: For which they call.
        seed: Of the random waits between them.

    Returns:
        float64 [calls], seconds from the start, rising.
    """
    random = np.random.default_rng(seed)
    # Given how many there are, the times of a Poisson process are independent and uniform.
    return np.sort(random.uniform(0, seconds, random.poisson(rate * seconds)))
