import keras
from keras import ops

from training.layers.mixed_conv import MixedConv


@keras.saving.register_keras_serializable("ser")
class PointwiseConv(MixedConv):
    """A 1 x 1 convolution at stride 1, whose products in bfloat16 are one product of matrices.

    Nine tenths of a MobileNet's multiplications are here.
    """

    def _products(self, inputs, kernel):
        _, height, width, channels = inputs.shape
        product = ops.matmul(ops.reshape(inputs, (-1, channels)), ops.reshape(kernel, (channels, self.filters)))
        return ops.reshape(product, (-1, height, width, self.filters))
