"""Layer normalisation and a dense layer whose outputs and gradients processors compute in fewer passes."""

import keras
from keras import ops

from training.accelerator import tensorflow_on_processor


class RowNormalisation(keras.layers.LayerNormalization):
    """Layer normalisation over the last axis, whose answer and gradient a processor computes in fewer passes.

    TensorFlow reads and writes all of an array with each operation; Keras's layer and the gradient that TensorFlow
    derives from it make three times as many of them as are needed. On graphics cards and other backends it is Keras's
    own layer.
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
        if not tensorflow_on_processor():
            return super().call(inputs)
        rows = ops.cast(ops.reshape(inputs, (-1, self.gamma.shape[0])), "float32")
        gamma, beta = ops.cast(self.gamma, "float32"), ops.cast(self.beta, "float32")
        outputs = self._learning(rows, gamma, beta) if training else self._unit(rows)[0] * gamma + beta
        return ops.cast(ops.reshape(outputs, ops.shape(inputs)), self.compute_dtype)

    def _unit(self, rows):
        """Rows of mean 0 and variance 1, and what they were multiplied by for that, [rows, 1]."""
        centred = rows - ops.mean(rows, axis=1, keepdims=True)
        rate = ops.rsqrt(ops.mean(ops.square(centred), axis=1, keepdims=True) + self.epsilon)
        return centred * rate, rate

    def _learning(self, rows, gamma, beta):
        import tensorflow as tf

        @tf.custom_gradient
        def normalise(rows, gamma, beta):
            unit, rate = self._unit(rows)

            def gradient(upstream):
                of_unit = upstream * unit
                # What a row's own mean and variance take from it. Sums over an axis are products with its weights.
                share = gamma[:, tf.newaxis] / gamma.shape[0]
                of_mean, of_variance = tf.matmul(upstream, share), tf.matmul(of_unit, share)
                of_rows = (upstream * gamma - unit * of_variance - of_mean) * rate
                return of_rows, tf.reduce_sum(of_unit, axis=0), tf.raw_ops.BiasAddGrad(out_backprop=upstream)

            return tf.nn.bias_add(unit * gamma, beta), gradient

        return normalise(rows, gamma, beta)


class WideningDense(keras.layers.Dense):
    """A dense layer from rows to more units than a row has numbers, whose gradient a processor computes faster.

    The gradient of the rows is a product with the transposed kernel, which TensorFlow's product on processors reads
    column by column. Of 3,072 units in float32, neighbours in a column lie 12 KiB apart, a multiple of the distance at
    which caches repeat their places: that takes 1.4 times as long as with a kernel that was transposed in memory, and
    transposing takes a thirtieth of the product. On graphics cards and other backends it is Keras's own layer.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(units, activation=None, use_bias=True, **kwargs)

    def call(self, inputs, training=None):
        """Compute.

        Args:
            inputs: [rows, size].
            training: Whether there may be a gradient. Without one TensorFlow joins the layer and what follows it.

        Returns:
            [rows, units].
        """
        if not training or not tensorflow_on_processor():
            return super().call(inputs, training=training)
        import tensorflow as tf

        @tf.custom_gradient
        def dense(rows, kernel, bias):
            def gradient(upstream):
                # By way of three dimensions, since TensorFlow makes a plain transposition part of the product again.
                transposed = tf.reshape(tf.transpose(kernel[:, tf.newaxis], (1, 2, 0)), kernel.shape[::-1])
                of_rows = tf.matmul(upstream, transposed)
                of_kernel = tf.matmul(rows, upstream, transpose_a=True)
                return of_rows, of_kernel, tf.raw_ops.BiasAddGrad(out_backprop=upstream)

            return tf.nn.bias_add(tf.matmul(rows, kernel), bias), gradient

        return dense(inputs, tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias))
