"""A part of a clip from a random place."""

import tensorflow as tf


def random_crop(waveform: tf.Tensor, length: int | tf.Tensor, shift: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """At most `length` samples from a random start: up to `shift` before the clip, or after its last whole crop.

    A crop that starts before the clip has silence in front.

    Args:
        waveform: float32 [samples].
        length: Samples of the crop at most.
        shift: Samples.
        seed: int32 [2].

    Returns:
        float32 [up to length], never empty.
    """
    samples = tf.size(waveform)
    latest = tf.minimum(tf.maximum(samples - length, 0) + tf.minimum(shift, samples // 4), samples - 1)
    start = tf.random.stateless_uniform([], seed, -shift, latest + 1, tf.int32)
    silence = tf.zeros([tf.maximum(-start, 0)], waveform.dtype)
    return tf.concat([silence, waveform[tf.maximum(start, 0) :]], axis=0)[:length]
