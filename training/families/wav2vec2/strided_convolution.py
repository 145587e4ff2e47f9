import keras
from keras import ops


def fits_rows(taps: int, stride: int) -> bool:
    """Whether `StridedConvolution` can compute a convolution of so many taps."""
    return stride <= taps <= 2 * stride


class StridedConvolution(keras.layers.Conv1D):
    """A convolution over whole rows of frames, computed as products of matrices.

    An output frame sees a row of `strides` input frames and, with up to twice as many taps, the beginning of the next
    row. Of the row, the product needs no copy. TensorFlow's own convolution takes longer on a processor.
    """

    def call(self, inputs, factor: float = 1.0):
        """Convolve.

        Args:
            inputs: [batch, rows * strides, channels].
            factor: What the kernel is multiplied by.

        Returns:
            [batch, rows, filters]. Where the kernel reaches beyond a clip's last row, that row's answer, which a
            convolution without padding would not have, is of the next clip's frames and means nothing.
        """
        taps, channels, filters = self.kernel.shape
        [stride] = self.strides
        kernel = ops.convert_to_tensor(self.kernel)
        if factor != 1:
            kernel = kernel * ops.cast(factor, kernel.dtype)
        batch, frames = ops.shape(inputs)[:2]
        # One product for the whole batch.
        rows = ops.reshape(inputs, (-1, stride * channels))
        outputs = ops.matmul(rows, ops.reshape(kernel[:stride], (stride * channels, filters)))
        if taps > stride:
            reached_kernel = ops.reshape(kernel[stride:], ((taps - stride) * channels, filters))
            outputs = outputs + ops.matmul(_following(rows, stride, taps - stride), reached_kernel)
        outputs = ops.reshape(outputs, (batch, frames // stride, filters))
        return outputs + ops.convert_to_tensor(self.bias) if self.use_bias else outputs


def _following(rows, stride: int, reached: int):
    """The first frames of the row behind each row.

    Args:
        rows: [rows, stride * channels].
        stride: Frames of a row.
        reached: How many of the next row's frames are wanted.

    Returns:
        [rows, reached * channels]; of the last row, behind which there is none, any of its frames, without a gradient.
    """
    import tensorflow as tf

    channels = rows.shape[1] // stride

    @tf.custom_gradient
    def pick(rows):
        # Picked frame by frame, which TensorFlow does far faster than to cut and pad. For the gradient of that it would
        # take its time, though: it would add up frames that may have been picked twice.
        count = tf.shape(rows)[0]
        first = stride * (1 + tf.range(count))
        wanted = tf.minimum(first[:, tf.newaxis] + tf.range(reached), stride * count - 1)
        picked = tf.gather(tf.reshape(rows, (-1, channels)), wanted)

        def gradient(upstream):
            return tf.pad(upstream[:-1], [[1, 0], [0, (stride - reached) * channels]])

        return tf.reshape(picked, (-1, reached * channels)), gradient

    return pick(rows)
