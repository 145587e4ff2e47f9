import keras


@keras.saving.register_keras_serializable("ser")
class FusedBatchNorm(keras.layers.BatchNormalization):
    """Batch norm of [batch, height, width, channels] whose training step is one kernel where the backend has one.

    Keras composes the norm of elementary operations, which on a CPU took two fifths of a MobileNet's training step:
    each goes through all activations, forward and back. TensorFlow's fused kernel, which Keras 2 used, needs a third of
    that. The results are the same up to rounding, but that the moving variance is of the sample (Bessel's correction).

    Where replicas of a model learn together, statistics are those of the whole batch, of all replicas.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalise by the statistics of the batch while training, by the moving ones otherwise."""
        if keras.backend.backend() != "tensorflow" or mask is not None or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        # The models run on other backends as well, which have no such kernel.
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        if replica and replica.num_replicas_in_sync > 1:
            outputs, mean, variance = self._by_all_replicas(inputs)
        else:
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=True
            )
        for moving, of_batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + of_batch * (1.0 - self.momentum))
        return outputs

    def _by_all_replicas(self, inputs):
        import tensorflow as tf

        from training.layers.replica_moments import replica_moments

        values = tf.cast(inputs, "float32")
        mean, variance, count = replica_moments(values, tf.convert_to_tensor(self.moving_mean.value))
        outputs = tf.nn.batch_normalization(values, mean, variance, self.beta.value, self.gamma.value, self.epsilon)
        return tf.cast(outputs, inputs.dtype), mean, variance * count / tf.maximum(count - 1, 1)
