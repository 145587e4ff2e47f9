import keras
from keras import ops

from training.accelerator import tensorflow_on_processor


class RowNormalisation(keras.layers.LayerNormalization):
    """Layer normalisation over the last axis, whose answer and gradient a processor computes in fewer passes.

    Of the arrays that there are while training, TensorFlow reads and writes one with each operation; Keras's layer and
    the gradient that TensorFlow derives from it make three times as many of them as are needed. On graphics cards, on
    other backends and without a gradient it is Keras's own layer.
    """

    def __init__(self, epsilon: float, **kwargs):
        super().__init__(axis=-1, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None):
        """Normalise.

        Args:
            inputs: [..., size].
            training: Whether there may be a gradient.

        Returns:
            An array like `inputs`, in the compute dtype.
        """
        if not training or not tensorflow_on_processor():
            return super().call(inputs)
        import tensorflow as tf

        size = self.gamma.shape[0]

        @tf.custom_gradient
        def normalise(rows, gamma, beta):
            centred = rows - tf.reduce_mean(rows, axis=1, keepdims=True)
            variance = tf.reduce_mean(tf.square(centred), axis=1, keepdims=True)
            rate = tf.math.rsqrt(variance + self.epsilon)
            unit = centred * rate

            def gradient(upstream):
                of_unit = upstream * unit
                # What a row's own mean and variance take from it. Sums over an axis are products with its weights.
                share = gamma[:, tf.newaxis] / size
                of_mean, of_variance = tf.matmul(upstream, share), tf.matmul(of_unit, share)
                of_rows = (upstream * gamma - unit * of_variance - of_mean) * rate
                return of_rows, tf.reduce_sum(of_unit, axis=0), tf.raw_ops.BiasAddGrad(out_backprop=upstream)

            return tf.nn.bias_add(unit * gamma, beta), gradient

        rows = ops.cast(ops.reshape(inputs, (-1, size)), "float32")
        outputs = normalise(rows, tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta))
        return ops.cast(ops.reshape(outputs, ops.shape(inputs)), self.compute_dtype)
