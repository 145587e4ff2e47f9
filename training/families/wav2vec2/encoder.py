"""The encoder: a positional convolution and a stack of transformer layers."""

import keras
from keras import ops

from training.accelerator import tensorflow_on_processor
from training.families.transformer.activation import activation_named, drop
from training.families.transformer.attention import RelativePositionBias
from training.families.transformer.dense import RowNormalisation
from training.families.transformer.layer import TransformerLayer, run_layers
from training.families.wav2vec2.kernels.convolution import spectral_convolution
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.layers.convolution import convolve


class PositionalConvolution(keras.layers.Layer):
    """The positional embedding of frames: a grouped convolution over about 2.5 s, with an activation.

    The kernel is weight-normalised: a length for each tap (`weight_g`) times a direction (`weight_v`), where the norm
    is taken over the input and output channels of one tap. Both are trained. A folded layer holds their product as a
    plain `kernel`, for export.
    """

    def __init__(self, settings: Wav2Vec2Settings, folded: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.channels = settings.hidden_size
        self.taps = settings.num_conv_pos_embeddings
        self.groups = settings.num_conv_pos_embedding_groups
        self.activation = activation_named(settings.feat_extract_activation)
        self.folded = folded

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the kernel, [taps, channels of a group, channels], or its two factors, and the bias [channels]."""
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
        """The kernel of the convolution, float32 [taps, channels of a group, channels]."""
        if self.folded:
            return ops.cast(self.kernel, "float32")
        direction = ops.cast(self.weight_v, "float32")
        return direction * (ops.cast(self.weight_g, "float32") / _length_of_taps(direction))

    def call(self, inputs, training=False):
        """Compute the positional embedding.

        Args:
            inputs: [batch, frames, channels], zero after each clip's end. The convolution pads with zeros, too, so
                that a padded clip has the same output as the clip alone.
            training: Whether a gradient may be computed.

        Returns:
            [batch, frames, channels].
        """
        if training and tensorflow_on_processor():
            # Always in float32, at little cost: rounding errors of a spectrum would spread over all frames.
            outputs = spectral_convolution(ops.cast(inputs, "float32"), self.plain_kernel(), self.groups)
            outputs = ops.cast(outputs, self.compute_dtype)
        else:
            outputs = self._convolve(inputs, ops.cast(self.plain_kernel(), self.compute_dtype))
        return self.activation(outputs + ops.cast(self.bias, self.compute_dtype))

    def _convolve(self, inputs, kernel):
        # With an even number of taps, the reference pads both sides equally and drops the last frame.
        before = self.taps // 2
        padded = ops.pad(inputs, [[0, 0], [before, self.taps - 1 - before], [0, 0]])
        if keras.backend.backend() != "tensorflow" or self.groups == 1:
            # Keras reads the number of groups from the kernel's shape.
            return convolve(padded, kernel)
        # On CPUs, one convolution for each group takes 0.6 times as long as TensorFlow's grouped convolution.
        groups = zip(ops.split(padded, self.groups, axis=-1), ops.split(kernel, self.groups, axis=-1), strict=True)
        return ops.concatenate([convolve(frames, taps) for frames, taps in groups], axis=-1)


def _length_of_taps(direction):
    return ops.sqrt(ops.sum(ops.square(ops.cast(direction, "float32")), axis=(1, 2), keepdims=True))


class Encoder(keras.layers.Layer):
    """The positional convolution and the stack of encoder layers."""

    def __init__(
        self, settings: Wav2Vec2Settings, rematerialise: bool = False, folded: bool = False, seed: int = 0, **kwargs
    ):
        super().__init__(**kwargs)
        self.settings = settings
        self.shape = settings.transformer
        self.rematerialise = rematerialise
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.positional_convolution = PositionalConvolution(
            settings, folded, dtype=self.dtype_policy, name="positional_convolution"
        )
        self.layer_norm = RowNormalisation(settings.layer_norm_eps, dtype=self.dtype_policy, name="layer_norm")
        self.relative_positions = (
            RelativePositionBias(self.shape, dtype=self.dtype_policy, name="relative_positions")
            if self.shape.relative_buckets
            else None
        )
        self.encoder_layers = [
            TransformerLayer(self.shape, dtype=self.dtype_policy, name=f"layer_{index}")
            for index in range(settings.num_hidden_layers)
        ]

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights."""
        shape = (None, None, self.settings.hidden_size)
        self.positional_convolution.build(shape)
        self.layer_norm.build(shape)
        if self.relative_positions is not None:
            self.relative_positions.build()
        for layer in self.encoder_layers:
            layer.build(shape)

    def call(self, hidden, valid, training=False):
        """Encode frames.

        Args:
            hidden: [batch, frames, hidden_size].
            valid: bool [batch, frames].
            training: Whether dropout and LayerDrop apply.

        Returns:
            The output, [batch, frames, hidden_size], and num_hidden_layers + 1 such arrays: the input of the first
            layer, then the output of each layer. The output is the last of them; with `do_stable_layer_norm`, it is
            the last of them after the final norm.
        """
        settings = self.settings
        hidden = ops.where(valid[:, :, None], hidden, ops.zeros_like(hidden))
        hidden = hidden + self.positional_convolution(hidden, training=training)
        if not settings.do_stable_layer_norm:
            hidden = self.layer_norm(hidden)
        if training and settings.hidden_dropout:
            hidden = drop(hidden, settings.hidden_dropout, self.seed_generator.next())
        bias = None if self.relative_positions is None else self.relative_positions(hidden)
        states = run_layers(
            self.encoder_layers, hidden, valid, self.shape, self.seed_generator, self.rematerialise, training, bias
        )
        hidden = states[-1]
        if settings.do_stable_layer_norm:
            hidden = self.layer_norm(hidden)
        return hidden, tuple(states)
