import keras
from keras import ops


@keras.saving.register_keras_serializable("ser")
class PointwiseConv(keras.layers.Conv2D):
    """A 1 x 1 convolution whose products can be of bfloat16 while training.

    Nine tenths of a MobileNet's multiplications are here. Weights, gradients and whatever lies between two of these
    layers stay float32, and so does inference.

    Args:
        *args: Of `keras.layers.Conv2D`, as for `kwargs`; kernel and strides of 1.
        training_dtype: Of the products while training.
        **kwargs: See `args`.
    """

    def __init__(self, *args, training_dtype: str = "float32", **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.training_dtype = training_dtype

    def call(self, inputs, training=None):
        """Convolve."""
        if not training or self.training_dtype == "float32":
            return super().call(inputs)
        _, height, width, channels = inputs.shape
        rows = ops.cast(ops.reshape(inputs, (-1, channels)), self.training_dtype)
        kernel = ops.cast(ops.reshape(self.kernel, (channels, self.filters)), self.training_dtype)
        product = ops.cast(ops.matmul(rows, kernel), inputs.dtype)
        return ops.reshape(product, (-1, height, width, self.filters))

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "training_dtype": self.training_dtype}
