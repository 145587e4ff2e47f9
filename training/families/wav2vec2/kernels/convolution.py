"""Convolutions that processors compute faster than Keras's own: with the norm, strided as products, by the spectrum."""

import math

import keras
from keras import ops


def normalised_convolution(
    waveform, num_frames, convolution: keras.layers.Conv1D, norm: keras.layers.Layer, factor: float = 1.0
):
    """The first convolution and its group norm as one product, on backends that have float64.

    A channel of a convolution of one waveform is a weighted sum of few samples, so that its mean and its variance
    follow from the mean and the covariance of those samples, 10 and 10 x 10 numbers a clip. The norm then is part of a
    kernel for each clip, and the largest array that there is need not be read again, for which a processor takes three
    times as long.

    Args:
        waveform: float32 [batch, samples], finite everywhere.
        num_frames: int32 [batch], the number of frames of each clip that its mean and variance are of.
        convolution: From one channel, without padding. A bias plays no part: the norm takes it away.
        norm: Has `gamma` and `beta` for each channel, and `epsilon`.
        factor: What the answer is multiplied by.

    Returns:
        float32 [batch, frames, channels], `factor` times what `norm` answers to the convolution.
    """
    [taps], [stride] = convolution.kernel_size, convolution.strides
    heard = ops.extract_sequences(waveform, taps, stride)
    valid = ops.arange(ops.shape(heard)[1], dtype="int32")[None, :] < num_frames[:, None]
    valid = ops.cast(valid, "float64")[:, :, None]
    count = ops.cast(ops.maximum(num_frames, 1), "float64")[:, None, None]
    # Neighbouring samples are nearly alike and kernels tell them apart: in float32 what is left of the variance of a
    # channel that hears the highest frequencies would be the rounding errors of the lowest.
    exact = ops.cast(heard, "float64")
    mean = ops.sum(exact * valid, axis=1, keepdims=True) / count
    centred = (exact - mean) * valid
    covariance = ops.matmul(ops.transpose(centred, (0, 2, 1)), centred) / count

    kernel = ops.cast(convolution.kernel, "float64")[:, 0]
    variance = ops.sum(ops.matmul(covariance, kernel) * kernel, axis=1, keepdims=True)
    scale = ops.cast(norm.gamma, "float64") * ops.rsqrt(ops.maximum(variance, 0.0) + norm.epsilon)
    offset = ops.cast(norm.beta, "float64") - ops.matmul(mean, kernel) * scale
    # The offset as the kernel of a further sample that is always one.
    of_clip = ops.cast(ops.concatenate([kernel * scale, offset], axis=1) * factor, "float32")
    return ops.matmul(ops.concatenate([heard, ops.ones_like(heard[:, :, :1])], axis=2), of_clip)


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


def spectral_convolution(inputs, kernel, groups: int):
    """A grouped convolution with a long kernel, padded with zeros so that it has an answer for each frame.

    Computed by way of the discrete Fourier transform, where convolving is multiplying: products of matrices that are
    a quarter of the operations of the convolution itself at 8 clips of 3 s and 128 taps. The transforms, too, are
    products with matrices, not fast transforms, since they leave the channels side by side as the products need them.

    Args:
        inputs: float32 [batch, frames, channels].
        kernel: float32 [taps, channels / groups, channels]. As everywhere in Keras it is not flipped. Of an even
            number of taps, one more lies before a frame than behind it.
        groups: How many groups of channels are convolved by themselves.

    Returns:
        float32 [batch, frames, channels].
    """
    taps, size, channels = kernel.shape
    batch, frames = ops.shape(inputs)[:2]
    before = taps // 2
    # Round a circle of so many frames, what reaches over either end of a clip still meets zeros.
    period = frames + before
    frequencies = period // 2 + 1

    cosine, sine = _waves(ops.arange(frames, dtype="int32"), period)
    # What a kernel does at each frequency to the first frame that it reaches, seen from the frame that it is for.
    kernel_cosine, kernel_sine = _waves(ops.arange(-before, taps - before, dtype="int32") % period, period)
    shape = (taps, size, groups, channels // groups)
    by_group = ops.reshape(ops.transpose(ops.reshape(kernel, shape), (0, 2, 1, 3)), (taps, -1))
    kernel_shape = (-1, size, channels // groups)
    kernel_real = ops.reshape(ops.matmul(kernel_cosine, by_group), kernel_shape)
    kernel_imaginary = ops.reshape(ops.matmul(kernel_sine, by_group), kernel_shape)

    spectrum = ops.matmul(ops.concatenate([cosine, -sine], axis=0), inputs)
    spectrum = ops.reshape(spectrum, (batch, 2, frequencies, groups, size))
    # Real and imaginary parts of all clips side by side: one product at each frequency of each group.
    spectrum = ops.reshape(ops.transpose(spectrum, (2, 3, 1, 0, 4)), (frequencies * groups, 2 * batch, size))
    parts = (frequencies, groups, 2, batch, channels // groups)
    real, imaginary = ops.unstack(ops.reshape(ops.matmul(spectrum, kernel_real), parts), 2, axis=2)
    minus_crossed, crossed = ops.unstack(ops.reshape(ops.matmul(spectrum, kernel_imaginary), parts), 2, axis=2)
    spectrum = ops.stack([real - crossed, imaginary + minus_crossed], axis=0)
    spectrum = ops.reshape(ops.transpose(spectrum, (3, 0, 1, 2, 4)), (batch, 2 * frequencies, channels))

    # Each frequency but the first, and the last of an even period, stands for itself and its mirror image.
    index = ops.arange(frequencies, dtype="int32")
    alone = ops.logical_or(index == 0, 2 * index == period)
    share = ops.cast(ops.where(alone, 1.0, 2.0), "float32")[:, None] / ops.cast(period, "float32")
    inverse = ops.concatenate([cosine * share, -sine * share], axis=0)
    return ops.matmul(ops.transpose(inverse), spectrum)


def _waves(positions, period):
    """Cosine and sine of each frequency at each position, float32 [period // 2 + 1, positions] each."""
    index = ops.arange(period // 2 + 1, dtype="int32")
    # Whole turns are dropped while the numbers are exact.
    turns = ops.cast((index[:, None] * positions[None, :]) % period, "float32")
    angle = turns * (2 * math.pi / ops.cast(period, "float32"))
    return ops.cos(angle), ops.sin(angle)
