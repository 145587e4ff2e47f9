import keras
from keras import ops


@keras.saving.register_keras_serializable("ser")
class MixedConv(keras.layers.Conv2D):
    """A convolution whose products can be of bfloat16 while training.

    Weights, gradients and whatever lies between two of these layers stay float32, and so does inference: what is
    exported is the same, and no loss has to be scaled.

    Args:
        *args: Of `keras.layers.Conv2D`, as for `kwargs`. In bfloat16 size, filters, strides and padding count; there is
            no bias, activation or dilation.
        training_dtype: Of the products while training, `float32` or `bfloat16`.
        **kwargs: See `args`.
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
        return ops.conv(inputs, kernel, self.strides, self.padding)

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "training_dtype": self.training_dtype}
