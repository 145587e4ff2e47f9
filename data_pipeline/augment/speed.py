"""A clip played faster or slower (Ko et al. 2015, Audio augmentation for speech recognition, Interspeech).

Tempo and pitch change together, as with a tape. Resampling is done by cutting or extending the spectrum, which is
exactly band-limited: what a faster clip would have above half the sampling rate is left out, not folded back.
"""

import tensorflow as tf

STEPS = 100
"""Factors are whole hundredths."""

_SILENCE = 128
"""Samples of silence after a clip at least, in which the ends of the resampled clip ring out before they meet."""


def random_factor(factors: tuple[float, float], seed: tf.Tensor) -> tf.Tensor:
    """Draw a factor.

    Args:
        factors: The least and the greatest.
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
        factor: int32 scalar, in hundredths: 110 is a tenth faster and higher.

    Returns:
        float32 [samples / factor, rounded up].
    """
    samples = tf.size(waveform)
    length = samples_after(samples, factor)
    # Both transforms have a whole number of times these many samples, so that their ratio is the factor exactly.
    unit = _unit(tf.maximum(-(-(samples + _SILENCE) // factor), -(-(length + _SILENCE) // STEPS)))
    spectrum = tf.signal.rfft(waveform, [unit * factor])
    bins = unit * STEPS // 2 + 1
    # Bins that are missing for a slower clip are filled with zeros by the inverse.
    scale = STEPS / tf.cast(factor, tf.float32)
    return tf.signal.irfft(spectrum[:bins], [unit * STEPS])[:length] * scale


def samples_after(samples: int | tf.Tensor, factor: int | tf.Tensor) -> tf.Tensor:
    """How long a waveform of so many samples is after the change; int32 scalar."""
    return -(-samples * STEPS // factor)


def samples_before(samples: int | tf.Tensor, factor: int | tf.Tensor) -> tf.Tensor:
    """How many samples give at most so many after the change; int32 scalar."""
    return samples * factor // STEPS


def _unit(least: tf.Tensor) -> tf.Tensor:
    """The next power of two, 8 or more: an even number makes both transforms of even length."""
    powers = tf.constant([2**power for power in range(3, 22)], tf.int32)
    return tf.gather(powers, tf.searchsorted(powers, [least])[0])
