import math

from keras import ops


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
