"""Mean and variance over the batch of all replicas of a training."""

import tensorflow as tf


def replica_moments(values: tf.Tensor, shift: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Mean and variance of each channel over all replicas, from one sum over them.

    A variance from sums of squares loses its digits where the mean is far from zero; around a value near the mean it
    does not (Chan, Golub and LeVeque 1983, The American Statistician 37, shifted data).

    Args:
        values: float32 [..., channels], this replica's; their number may differ between replicas.
        shift: float32 [channels], near the mean, and in all replicas the same. No gradient flows through it.

    Returns:
        Mean and variance [channels], and how many values there are of each channel, a float32 scalar.
    """
    channels = values.shape[-1]
    shifted = tf.reshape(values - tf.stop_gradient(shift), [-1, channels])
    count = tf.cast(tf.shape(shifted)[:1], values.dtype)
    mine = tf.concat([tf.reduce_sum(shifted, 0), tf.reduce_sum(tf.square(shifted), 0), count], 0)
    everyones = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, mine)
    count = tf.stop_gradient(everyones[-1])
    mean = everyones[:channels] / count
    variance = everyones[channels:-1] / count - tf.square(mean)
    return mean + tf.stop_gradient(shift), tf.maximum(variance, 0.0), count
