"""How long a Fourier transform is best made."""

import functools

import numpy as np
import tensorflow as tf


def fft_length(samples: int | tf.Tensor) -> tf.Tensor:
    """A quick length for a transform: 4, 5, 6 or 7 times a power of two, 256 or more.

    Few lengths also mean that a transform's plan is nearly always made already, whatever the lengths of clips.

    Args:
        samples: int or int32 scalar, up to 2**26. How many must fit.

    Returns:
        int32 scalar, divisible by 64.
    """
    return tf.gather(_lengths(), tf.searchsorted(_lengths(), [samples])[0])


@functools.cache
def _lengths() -> np.ndarray:
    return np.array([multiple << power for power in range(6, 25) for multiple in (4, 5, 6, 7)], np.int32)
