"""Lengths at which a Fourier transform is quick."""

import functools

import numpy as np
import tensorflow as tf


def fft_length(samples: int | tf.Tensor) -> tf.Tensor:
    """The shortest quick length that holds some samples: 4, 5, 6 or 7 times a power of two, 256 or more.

    There are few such lengths, so that the plan of a transform nearly always exists already.

    Args:
        samples: int or int32 scalar, up to 2**26; number of samples.

    Returns:
        int32 scalar, divisible by 64.
    """
    return tf.gather(_lengths(), tf.searchsorted(_lengths(), [samples])[0])


@functools.cache
def _lengths() -> np.ndarray:
    return np.array([multiple << power for power in range(6, 25) for multiple in (4, 5, 6, 7)], np.int32)
