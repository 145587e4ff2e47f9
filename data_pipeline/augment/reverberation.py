"""Reverberation: convolution with a synthetic impulse response of a room.

The response is the direct sound followed by exponentially decaying Gaussian noise. The many late reflections of a room
add up to such noise (Moorer 1979, About this reverberation business, Computer Music Journal 3 (2)).
"""

import math

import tensorflow as tf

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.fft_length import fft_length


def reverberate(
    waveform: tf.Tensor,
    reverberation_time: float | tf.Tensor,
    direct_to_reverberant: float | tf.Tensor,
    seed: tf.Tensor,
    longest: float,
) -> tf.Tensor:
    """Add the reverberation of a room to a waveform; its length and its level are kept.

    Args:
        waveform: float32 [samples] at 16 kHz.
        reverberation_time: RT60, the seconds after which the reflections are 60 dB down.
        direct_to_reverberant: Energy of the direct sound over that of the reflections, in decibels.
        seed: int32 [2]; decides the reflections.
        longest: Duration of the response in seconds; the greatest possible `reverberation_time`.

    Returns:
        float32 [samples]; the direct sound has no delay.
    """
    response = impulse_response(reverberation_time, direct_to_reverberant, seed, longest)
    samples = tf.size(waveform)
    length = fft_length(samples + tf.size(response))
    spectrum = tf.signal.rfft(waveform, [length]) * tf.signal.rfft(response, [length])
    wet = tf.signal.irfft(spectrum, [length])[:samples]
    level = tf.math.divide_no_nan(tf.reduce_sum(tf.square(waveform)), tf.reduce_sum(tf.square(wet)))
    return wet * tf.sqrt(level)


def impulse_response(
    reverberation_time: float | tf.Tensor, direct_to_reverberant: float | tf.Tensor, seed: tf.Tensor, longest: float
) -> tf.Tensor:
    """The impulse response of a room.

    Args:
        reverberation_time: See `reverberate`.
        direct_to_reverberant: See `reverberate`.
        seed: See `reverberate`.
        longest: See `reverberate`.

    Returns:
        float32 [longest * 16,000] at 16 kHz. The first sample is the direct sound, 1.
    """
    samples = math.ceil(longest * SAMPLE_RATE)
    time = tf.range(1, samples, dtype=tf.float32) / SAMPLE_RATE
    # 60 dB are a factor of 1,000 in amplitude.
    reflections = tf.random.stateless_normal([samples - 1], seed) * tf.exp(-math.log(1_000) * time / reverberation_time)
    energy = tf.pow(10.0, -direct_to_reverberant / 10.0)
    reflections *= tf.sqrt(energy / tf.reduce_sum(tf.square(reflections)))
    return tf.concat([[1.0], reflections], axis=0)
