import keras


@keras.saving.register_keras_serializable("ser")
class FusedBatchNorm(keras.layers.BatchNormalization):
    """Batch norm of [batch, height, width, channels] whose training step is one kernel where the backend has one.

    Keras composes the norm of elementary operations, which on a CPU took two fifths of a MobileNet's training step:
    each goes through all activations, forward and back. TensorFlow's fused kernel, which Keras 2 used, needs a third of
    that. The results are the same up to rounding, but that the moving variance is of the sample (Bessel's correction).
    """

    def call(self, inputs, training=None, mask=None):
        """Normalise by the statistics of the batch while training, by the moving ones otherwise."""
        if keras.backend.backend() != "tensorflow" or mask is not None or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        # The models run on other backends as well, which have no such kernel.
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=True
        )
        for moving, of_batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + of_batch * (1.0 - self.momentum))
        return outputs
