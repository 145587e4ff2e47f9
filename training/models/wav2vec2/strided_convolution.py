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
            # Picked from the frames of all clips in a row, which TensorFlow does far faster than to cut and pad each.
            first = stride * (1 + ops.arange(ops.shape(rows)[0], dtype="int32"))
            reached = first[:, None] + ops.arange(taps - stride, dtype="int32")
            following = ops.take(ops.reshape(inputs, (-1, channels)), ops.minimum(reached, batch * frames - 1), axis=0)
            reached_kernel = ops.reshape(kernel[stride:], ((taps - stride) * channels, filters))
            outputs = outputs + ops.matmul(ops.reshape(following, (-1, (taps - stride) * channels)), reached_kernel)
        outputs = ops.reshape(outputs, (batch, frames // stride, filters))
        return outputs + ops.convert_to_tensor(self.bias) if self.use_bias else outputs
