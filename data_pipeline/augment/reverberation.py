"""A room around a clip: convolution with a synthetic impulse response.

The response is the direct sound followed by Gaussian noise that decays exponentially, which is what the many late
reflections of a room add up to (Moorer 1979, About this reverberation business, Computer Music Journal 3 (2)).
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
    """Put a waveform into a room; its length and its level are kept.

    Args:
        waveform: float32 [samples] at 16 kHz.
        reverberation_time: RT60, seconds after which the room's sound is 60 dB down.
        direct_to_reverberant: Energy of the direct sound over that of the reflections, in decibels.
        seed: int32 [2], of the reflections.
        longest: Seconds that the response lasts; the greatest `reverberation_time` there may be.

    Returns:
        float32 [samples]. The direct sound comes without delay.
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
    """What a room answers to a click.

    Args:
        reverberation_time: See `reverberate`, as for the other arguments.
        direct_to_reverberant: See there.
        seed: See there.
        longest: See there.

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
