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
