"""Speed perturbation (Ko et al. 2015, Audio augmentation for speech recognition, Interspeech).

Tempo and pitch change together, as with a tape. A clip is resampled by cutting or extending its spectrum, which is
exactly band-limited: what a faster clip would have above half the sampling rate is left out, not aliased.
"""

import tensorflow as tf

STEPS = 100
"""Number of steps of a factor of 1: factors are whole hundredths."""

_SILENCE = 128
"""Least number of samples of silence after a clip, in which the resampled clip rings out before its ends meet."""


def random_factor(factors: tuple[float, float], seed: tf.Tensor) -> tf.Tensor:
    """Draw a factor.

    Args:
        factors: The lowest and the highest factor.
        seed: int32 [2].

    Returns:
        int32 scalar, the factor in hundredths, each equally likely.
    """
    low, high = (round(factor * STEPS) for factor in factors)
    return tf.random.stateless_uniform([], seed, low, high + 1, tf.int32)


def change_speed(waveform: tf.Tensor, factor: int | tf.Tensor) -> tf.Tensor:
    """Play a waveform faster or slower.

    Args:
        waveform: float32 [samples].
        factor: int32 scalar, the factor in hundredths: 110 is a tenth faster and higher.

    Returns:
        float32 [samples / factor, rounded up].
    """
    samples = tf.size(waveform)
    length = samples_after(samples, factor)
    # The lengths of both transforms are multiples of this unit, so that their ratio is exactly the factor.
    unit = _unit(tf.maximum(-(-(samples + _SILENCE) // factor), -(-(length + _SILENCE) // STEPS)))
    spectrum = tf.signal.rfft(waveform, [unit * factor])
    bins = unit * STEPS // 2 + 1
    # The inverse transform fills the bins that a slower clip lacks with zeros.
    scale = STEPS / tf.cast(factor, tf.float32)
    return tf.signal.irfft(spectrum[:bins], [unit * STEPS])[:length] * scale


def samples_after(samples: int | tf.Tensor, factor: int | tf.Tensor) -> tf.Tensor:
    """Number of samples of a waveform after the change; int32 scalar."""
    return -(-samples * STEPS // factor)


def samples_before(samples: int | tf.Tensor, factor: int | tf.Tensor) -> tf.Tensor:
    """Number of samples that give at most `samples` after the change; int32 scalar."""
    return samples * factor // STEPS


def _unit(least: tf.Tensor) -> tf.Tensor:
    """The next power of two, 8 or more; it is even, so that both transforms have an even length."""
    powers = tf.constant([2**power for power in range(3, 22)], tf.int32)
    return tf.gather(powers, tf.searchsorted(powers, [least])[0])
