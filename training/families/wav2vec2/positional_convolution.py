import keras
from keras import ops

from training.accelerator import tensorflow_on_processor
from training.families.wav2vec2.kernels.activation import activation_named
from training.families.wav2vec2.kernels.convolution import spectral_convolution
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.layers.convolution import convolve


class PositionalConvolution(keras.layers.Layer):
    """The grouped convolution over about 2.5 s that tells the encoder where a frame stands.

    Its kernel is weight-normalised: a length for each of the taps (`weight_g`) times a direction (`weight_v`),
    where the norm runs over the channels, in and out, of one tap. Both are trained. A folded one holds their
    product as a plain `kernel`, for export.
    """

    def __init__(self, settings: Wav2Vec2Settings, folded: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.channels = settings.hidden_size
        self.taps = settings.num_conv_pos_embeddings
        self.groups = settings.num_conv_pos_embedding_groups
        self.activation = activation_named(settings.feat_extract_activation)
        self.folded = folded

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Make the kernel, [taps, channels in a group, channels], or its two factors, and the bias [channels]."""
        shape = (self.taps, self.channels // self.groups, self.channels)
        initializer = keras.initializers.RandomNormal(stddev=2 * (self.taps * self.channels) ** -0.5)
        if self.folded:
            self.kernel = self.add_weight(name="kernel", shape=shape, initializer=initializer)
        else:
            self.weight_v = self.add_weight(name="weight_v", shape=shape, initializer=initializer)
            self.weight_g = self.add_weight(name="weight_g", shape=(self.taps, 1, 1), initializer="ones")
            self.weight_g.assign(_length_of_taps(self.weight_v.value))
        self.bias = self.add_weight(name="bias", shape=(self.channels,), initializer="zeros")

    def plain_kernel(self):
        """The kernel of the convolution, float32 [taps, channels in a group, channels]."""
        if self.folded:
            return ops.cast(self.kernel, "float32")
        direction = ops.cast(self.weight_v, "float32")
        return direction * (ops.cast(self.weight_g, "float32") / _length_of_taps(direction))

    def call(self, inputs, training=False):
        """Where each frame stands, told by its neighbourhood.

        Args:
            inputs: [batch, frames, channels], zero behind each clip's end: as the convolution pads with zeros, a
                padded clip then has the answer of the clip alone.
            training: Whether there may be a gradient.

        Returns:
            [batch, frames, channels], the activated convolution.
        """
        if training and tensorflow_on_processor():
            # In float32 throughout: rounding a spectrum would spread over all frames, and what it costs is little.
            outputs = spectral_convolution(ops.cast(inputs, "float32"), self.plain_kernel(), self.groups)
            outputs = ops.cast(outputs, self.compute_dtype)
        else:
            outputs = self._convolve(inputs, ops.cast(self.plain_kernel(), self.compute_dtype))
        return self.activation(outputs + ops.cast(self.bias, self.compute_dtype))

    def _convolve(self, inputs, kernel):
        # With an even number of taps the reference pads both sides alike and drops the last frame.
        before = self.taps // 2
        padded = ops.pad(inputs, [[0, 0], [before, self.taps - 1 - before], [0, 0]])
        if keras.backend.backend() != "tensorflow" or self.groups == 1:
            # Keras reads the number of groups from the kernel's shape.
            return convolve(padded, kernel)
        # On the CPU one convolution a group takes 0.6 times as long as TensorFlow's own grouped one.
        groups = zip(ops.split(padded, self.groups, axis=-1), ops.split(kernel, self.groups, axis=-1), strict=True)
        return ops.concatenate([convolve(frames, taps) for frames, taps in groups], axis=-1)


def _length_of_taps(direction):
    return ops.sqrt(ops.sum(ops.square(ops.cast(direction, "float32")), axis=(1, 2), keepdims=True))
