"""The convolutions of wav2vec 2.0 as products of matrices, which CPUs compute faster than TensorFlow's convolutions."""

import math

import keras
from keras import ops


def normalised_convolution(
    waveform, num_frames, convolution: keras.layers.Conv1D, norm: keras.layers.Layer, factor: float = 1.0
):
    """The first convolution and its group norm as one product, on backends with float64.

    Each output channel is a weighted sum of a few samples (10). Its mean and variance therefore follow from the mean
    (10 numbers per clip) and the covariance (10 x 10) of these samples, and the norm becomes part of a kernel for each
    clip. The output, the largest array of the network, need not be read again for the norm, which would take three
    times as long on a CPU.

    Args:
        waveform: float32 [batch, samples], finite everywhere.
        num_frames: int32 [batch], the number of valid frames of each clip, over which mean and variance are taken.
        convolution: A convolution of one input channel without padding. Its bias is not used: the norm removes it.
        norm: A layer with `gamma` and `beta` for each channel, and `epsilon`.
        factor: Factor of the output.

    Returns:
        float32 [batch, frames, channels]: `factor` times the output of `norm` for the convolution.
    """
    [taps], [stride] = convolution.kernel_size, convolution.strides
    samples = ops.extract_sequences(waveform, taps, stride)
    valid = ops.arange(ops.shape(samples)[1], dtype="int32")[None, :] < num_frames[:, None]
    valid = ops.cast(valid, "float64")[:, :, None]
    count = ops.cast(ops.maximum(num_frames, 1), "float64")[:, None, None]
    # Neighbouring samples are nearly equal. In float32 the variance of a channel of high frequencies would consist of
    # the rounding errors of the low frequencies.
    exact = ops.cast(samples, "float64")
    mean = ops.sum(exact * valid, axis=1, keepdims=True) / count
    centred = (exact - mean) * valid
    covariance = ops.matmul(ops.transpose(centred, (0, 2, 1)), centred) / count

    kernel = ops.cast(convolution.kernel, "float64")[:, 0]
    variance = ops.sum(ops.matmul(covariance, kernel) * kernel, axis=1, keepdims=True)
    scale = ops.cast(norm.gamma, "float64") * ops.rsqrt(ops.maximum(variance, 0.0) + norm.epsilon)
    offset = ops.cast(norm.beta, "float64") - ops.matmul(mean, kernel) * scale
    # The offset is the weight of an additional sample that is always one.
    clip_kernel = ops.cast(ops.concatenate([kernel * scale, offset], axis=1) * factor, "float32")
    return ops.matmul(ops.concatenate([samples, ops.ones_like(samples[:, :, :1])], axis=2), clip_kernel)


def fits_rows(taps: int, stride: int) -> bool:
    """Whether `StridedConvolution` supports a convolution with these numbers of taps and stride."""
    return stride <= taps <= 2 * stride


class StridedConvolution(keras.layers.Conv1D):
    """A strided convolution without padding, computed as products of matrices, which is faster on CPUs.

    The input frames are seen as rows of `strides` frames each. An output frame depends on one row and, if there are
    more taps than `strides`, on the beginning of the next row. The product with the rows needs no copy of them.
    """

    def call(self, inputs, factor: float = 1.0):
        """Convolve.

        Args:
            inputs: [batch, rows * strides, channels].
            factor: Factor of the kernel.

        Returns:
            [batch, rows, filters]. If the kernel is longer than a row, the output for a clip's last row has no meaning:
            it depends on the next clip. A convolution without padding has no output there.
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
    """The first frames of the row after each row.

    Args:
        rows: [rows, stride * channels].
        stride: Number of frames per row.
        reached: Number of frames to take from the next row.

    Returns:
        [rows, reached * channels]. The last row has no next row: its result consists of arbitrary frames and has no
        gradient.
    """
    import tensorflow as tf

    channels = rows.shape[1] // stride

    @tf.custom_gradient
    def pick(rows):
        # TensorFlow gathers single frames far faster than it cuts and pads. Its own gradient of gathering is slow,
        # because it allows for frames that were gathered twice.
        count = tf.shape(rows)[0]
        first = stride * (1 + tf.range(count))
        wanted = tf.minimum(first[:, tf.newaxis] + tf.range(reached), stride * count - 1)
        picked = tf.gather(tf.reshape(rows, (-1, channels)), wanted)

        def gradient(upstream):
            return tf.pad(upstream[:-1], [[1, 0], [0, (stride - reached) * channels]])

        return tf.reshape(picked, (-1, reached * channels)), gradient

    return pick(rows)


def spectral_convolution(inputs, kernel, groups: int):
    """A grouped convolution with a long kernel and zero padding, with one output frame for each input frame.

    It is computed with the discrete Fourier transform, which turns the convolution into products: a quarter of the
    operations for 8 clips of 3 s and 128 taps. The transforms are products with matrices, not fast transforms, because
    these keep the channels contiguous in memory, as the products need them.

    Args:
        inputs: float32 [batch, frames, channels].
        kernel: float32 [taps, channels / groups, channels], not flipped, as everywhere in Keras. With an even number
            of taps, the kernel covers one frame more before the output frame than after it.
        groups: Number of groups of channels that are convolved separately.

    Returns:
        float32 [batch, frames, channels].
    """
    taps, size, channels = kernel.shape
    batch, frames = ops.shape(inputs)[:2]
    before = taps // 2
    # The convolution is circular. With this period, kernels that extend beyond either end of a clip meet zeros only.
    period = frames + before
    frequencies = period // 2 + 1

    cosine, sine = _waves(ops.arange(frames, dtype="int32"), period)
    # Position 0 of the kernel's transform is the output frame.
    kernel_cosine, kernel_sine = _waves(ops.arange(-before, taps - before, dtype="int32") % period, period)
    shape = (taps, size, groups, channels // groups)
    by_group = ops.reshape(ops.transpose(ops.reshape(kernel, shape), (0, 2, 1, 3)), (taps, -1))
    kernel_shape = (-1, size, channels // groups)
    kernel_real = ops.reshape(ops.matmul(kernel_cosine, by_group), kernel_shape)
    kernel_imaginary = ops.reshape(ops.matmul(kernel_sine, by_group), kernel_shape)

    spectrum = ops.matmul(ops.concatenate([cosine, -sine], axis=0), inputs)
    spectrum = ops.reshape(spectrum, (batch, 2, frequencies, groups, size))
    # Real and imaginary parts of all clips in one matrix: one product for each frequency of each group.
    spectrum = ops.reshape(ops.transpose(spectrum, (2, 3, 1, 0, 4)), (frequencies * groups, 2 * batch, size))
    parts = (frequencies, groups, 2, batch, channels // groups)
    real, imaginary = ops.unstack(ops.reshape(ops.matmul(spectrum, kernel_real), parts), 2, axis=2)
    minus_crossed, crossed = ops.unstack(ops.reshape(ops.matmul(spectrum, kernel_imaginary), parts), 2, axis=2)
    spectrum = ops.stack([real - crossed, imaginary + minus_crossed], axis=0)
    spectrum = ops.reshape(ops.transpose(spectrum, (3, 0, 1, 2, 4)), (batch, 2 * frequencies, channels))

    # Each frequency also counts for its mirror image, except the first one and, with an even period, the last one.
    index = ops.arange(frequencies, dtype="int32")
    alone = ops.logical_or(index == 0, 2 * index == period)
    share = ops.cast(ops.where(alone, 1.0, 2.0), "float32")[:, None] / ops.cast(period, "float32")
    inverse = ops.concatenate([cosine * share, -sine * share], axis=0)
    return ops.matmul(ops.transpose(inverse), spectrum)


def _waves(positions, period):
    """Cosine and sine of each frequency at each position, float32 [period // 2 + 1, positions] each."""
    index = ops.arange(period // 2 + 1, dtype="int32")
    # Full turns are removed while the numbers are still exact integers.
    turns = ops.cast((index[:, None] * positions[None, :]) % period, "float32")
    angle = turns * (2 * math.pi / ops.cast(period, "float32"))
    return ops.cos(angle), ops.sin(angle)
