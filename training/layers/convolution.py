"""Convolutions in float32 and bfloat16, and the rule which of them are never computed in bfloat16."""

import keras
from keras import ops

MIN_BFLOAT16_CHANNELS = 16
"""Smallest number of channels (inputs or outputs of a group) of a convolution that is computed in bfloat16.

On Intel processors with AMX, TensorFlow 2.21 (oneDNN) computes bfloat16 convolutions with 4 to 12 channels and kernels
of 8 or more taps wrongly: the relative error is near 1. With 16, 32, 48, 64 and 512 channels the results are right, as
are those of matrix products. Output channels count, too, because they are the input channels of the gradient.
"""


def fits_bfloat16(kernel_shape: tuple[int, ...], groups: int = 1) -> bool:
    """Whether a convolution is wide enough for bfloat16.

    Args:
        kernel_shape: [..., input channels of a group, output channels].
        groups: Number of groups of channels.
    """
    return min(kernel_shape[-2], kernel_shape[-1] // groups) >= MIN_BFLOAT16_CHANNELS


def convolve(inputs, kernel, **options):
    """`keras.ops.conv`, but in float32 if TensorFlow may compute the convolution wrongly in bfloat16.

    All convolutions that may receive bfloat16 use this function.

    Args:
        inputs: [batch, ..., channels].
        kernel: [..., input channels of a group, output channels], with the same dtype.
        **options: Other arguments of `keras.ops.conv`.

    Returns:
        [batch, ..., output channels], with the same dtype.
    """
    groups = inputs.shape[-1] // kernel.shape[-2]
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    if dtype != "bfloat16" or keras.backend.backend() != "tensorflow" or fits_bfloat16(kernel.shape, groups):
        return ops.conv(inputs, kernel, **options)
    return ops.cast(ops.conv(ops.cast(inputs, "float32"), ops.cast(kernel, "float32"), **options), dtype)


class Conv1D(keras.layers.Conv1D):
    """`keras.layers.Conv1D` of [batch, frames, channels] without padding or activation, safe in bfloat16."""

    def call(self, inputs):
        """Convolve."""
        outputs = convolve(inputs, self.kernel, strides=list(self.strides))
        return ops.add(outputs, ops.reshape(self.bias, (1, 1, self.filters))) if self.use_bias else outputs


@keras.saving.register_keras_serializable("ser")
class MixedConv(keras.layers.Conv2D):
    """A 2-D convolution whose products can be computed in bfloat16 while training.

    Weights, gradients and all values between two of these layers are float32, as is inference. Exports therefore do not
    depend on the training dtype, and no loss has to be scaled.

    Args:
        *args: Arguments of `keras.layers.Conv2D`. Bias, activation and dilation do not apply to bfloat16 training.
        training_dtype: Data type of the products while training, `float32` or `bfloat16`.
        **kwargs: Arguments of `keras.layers.Conv2D`.
    """

    def __init__(self, *args, training_dtype: str = "float32", **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.training_dtype = training_dtype

    def call(self, inputs, training=None):
        """Convolve."""
        if not training or self.training_dtype == "float32":
            return super().call(inputs)
        return ops.cast(
            self._products(ops.cast(inputs, self.training_dtype), ops.cast(self.kernel, self.training_dtype)),
            inputs.dtype,
        )

    def _products(self, inputs, kernel):
        return convolve(inputs, kernel, strides=self.strides, padding=self.padding)

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "training_dtype": self.training_dtype}


@keras.saving.register_keras_serializable("ser")
class PointwiseConv(MixedConv):
    """A 1 x 1 convolution with stride 1, which is one matrix product in bfloat16.

    Nine tenths of a MobileNet's multiplications are in these layers.
    """

    def _products(self, inputs, kernel):
        _, height, width, channels = inputs.shape
        product = ops.matmul(ops.reshape(inputs, (-1, channels)), ops.reshape(kernel, (channels, self.filters)))
        return ops.reshape(product, (-1, height, width, self.filters))
