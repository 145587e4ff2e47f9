"""Batch normalisation with a fused training step, over the batch of one device or of several."""

import keras


@keras.saving.register_keras_serializable("ser")
class FusedBatchNorm(keras.layers.BatchNormalization):
    """Batch norm of [batch, height, width, channels] with one kernel for the training step, if the backend has one.

    Keras composes the norm of elementary operations, each of which passes over all activations, forward and backward.
    On a CPU they took two fifths of the training step of a MobileNet. TensorFlow's fused kernel, which Keras 2 used,
    needs a third of that. The results are equal up to rounding, except that the moving variance is that of a sample
    (Bessel's correction).

    If several replicas of a model learn together, the statistics are those of the whole batch, of all replicas.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalise, with the statistics of the batch while training and with the moving ones otherwise."""
        if keras.backend.backend() != "tensorflow" or mask is not None or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        # Imported late, because the models also run on other backends, which have no such kernel.
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        if replica and replica.num_replicas_in_sync > 1:
            values = tf.cast(inputs, "float32")
            mean, variance, count = _replica_moments(values, tf.convert_to_tensor(self.moving_mean.value))
            outputs = tf.nn.batch_normalization(values, mean, variance, self.beta.value, self.gamma.value, self.epsilon)
            outputs, variance = tf.cast(outputs, inputs.dtype), variance * count / tf.maximum(count - 1, 1)
        else:
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=True
            )
        for moving, of_batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + of_batch * (1.0 - self.momentum))
        return outputs


def _replica_moments(values, shift):
    """Mean and variance of each channel over all replicas, from one sum over the replicas.

    A variance from sums of squares loses its digits if the mean is far from zero, but not if a value near the mean is
    subtracted first (Chan, Golub and LeVeque 1983, The American Statistician 37, shifted data).

    Args:
        values: float32 [..., channels], the values of this replica. Their number may differ between replicas.
        shift: float32 [channels], a value near the mean, equal in all replicas. No gradient flows through it.

    Returns:
        Mean and variance, [channels] each, and the number of values of each channel, a float32 scalar.
    """
    import tensorflow as tf

    channels = values.shape[-1]
    shifted = tf.reshape(values - tf.stop_gradient(shift), [-1, channels])
    count = tf.cast(tf.shape(shifted)[:1], values.dtype)
    own_sums = tf.concat([tf.reduce_sum(shifted, 0), tf.reduce_sum(tf.square(shifted), 0), count], 0)
    sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own_sums)
    count = tf.stop_gradient(sums[-1])
    mean = sums[:channels] / count
    variance = sums[channels:-1] / count - tf.square(mean)
    return mean + tf.stop_gradient(shift), tf.maximum(variance, 0.0), count
