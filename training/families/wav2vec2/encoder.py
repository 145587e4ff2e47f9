"""The encoder: a positional convolution and a stack of transformer layers."""

import keras
from keras import ops

from training.accelerator import tensorflow_on_processor
from training.families.wav2vec2.attention import SelfAttention, recomputed
from training.families.wav2vec2.kernels.activation import activation_named, drop, dropped_gelu
from training.families.wav2vec2.kernels.convolution import spectral_convolution
from training.families.wav2vec2.kernels.dense import RowNormalisation, WideningDense
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.layers.convolution import convolve

# For dropout of attention weights, attention output, wide activation and feed-forward output.
SEEDS_PER_LAYER = 4


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


class EncoderLayer(keras.layers.Layer):
    """A transformer layer: attention and a feed-forward part, each with a residual connection.

    The norms come after the sums (base models) or, with `do_stable_layer_norm`, before attention and feed-forward part.
    """

    def __init__(self, settings: Wav2Vec2Settings, **kwargs):
        super().__init__(**kwargs)
        self.settings = settings
        self.activation = activation_named(settings.hidden_act)
        self.attention = SelfAttention(settings, dtype=self.dtype_policy, name="attention")
        self.layer_norm = self._norm("layer_norm")
        self.intermediate_dense = self._dense(WideningDense, settings.intermediate_size, "intermediate_dense")
        self.output_dense = self._dense(keras.layers.Dense, settings.hidden_size, "output_dense")
        self.final_layer_norm = self._norm("final_layer_norm")

    def _norm(self, name: str) -> RowNormalisation:
        return RowNormalisation(self.settings.layer_norm_eps, dtype=self.dtype_policy, name=name)

    def _dense(self, kind: type[keras.layers.Dense], units: int, name: str) -> keras.layers.Dense:
        return kind(
            units,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights."""
        shape = (None, None, self.settings.hidden_size)
        for layer in (self.attention, self.layer_norm, self.intermediate_dense, self.final_layer_norm):
            layer.build(shape)
        self.output_dense.build((None, None, self.settings.intermediate_size))

    def call(self, hidden, valid, dropout_seeds=None, training=False):
        """Encode frames.

        Args:
            hidden: [batch, frames, hidden_size].
            valid: bool [batch, frames].
            dropout_seeds: `SEEDS_PER_LAYER` seeds, or None for no dropout. The caller draws them, so that a recomputed
                layer drops the same units.
            training: Whether a gradient may be computed.

        Returns:
            [batch, frames, hidden_size].
        """
        seeds = dropout_seeds or (None,) * SEEDS_PER_LAYER
        rate = self.settings.hidden_dropout
        if self.settings.do_stable_layer_norm:
            hidden = hidden + drop(self.attention(self.layer_norm(hidden), valid, seeds[0]), rate, seeds[1])
            return hidden + self._feed_forward(self.final_layer_norm(hidden), seeds, training)
        hidden = self.layer_norm(hidden + drop(self.attention(hidden, valid, seeds[0]), rate, seeds[1]))
        return self.final_layer_norm(hidden + self._feed_forward(hidden, seeds, training))

    def _feed_forward(self, hidden, seeds, training: bool):
        # With two dimensions, TensorFlow's graph optimiser fuses product, bias and activation.
        frames = ops.reshape(hidden, (-1, self.settings.hidden_size))
        wide = self.intermediate_dense(frames)
        if training and self.settings.hidden_act == "gelu" and tensorflow_on_processor():
            answer = self.output_dense(dropped_gelu(wide, self.settings.activation_dropout, seeds[2]))
        else:
            answer = recomputed(self._narrow)(wide, seeds[2])
        return ops.reshape(drop(answer, self.settings.hidden_dropout, seeds[3]), ops.shape(hidden))

    def _narrow(self, wide, seed):
        return self.output_dense(drop(self.activation(wide), self.settings.activation_dropout, seed))


class Encoder(keras.layers.Layer):
    """The positional convolution and the stack of encoder layers."""

    def __init__(
        self, settings: Wav2Vec2Settings, rematerialise: bool = False, folded: bool = False, seed: int = 0, **kwargs
    ):
        super().__init__(**kwargs)
        self.settings = settings
        self.rematerialise = rematerialise
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.positional_convolution = PositionalConvolution(
            settings, folded, dtype=self.dtype_policy, name="positional_convolution"
        )
        self.layer_norm = RowNormalisation(settings.layer_norm_eps, dtype=self.dtype_policy, name="layer_norm")
        self.encoder_layers = [
            EncoderLayer(settings, dtype=self.dtype_policy, name=f"layer_{index}")
            for index in range(settings.num_hidden_layers)
        ]

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights."""
        shape = (None, None, self.settings.hidden_size)
        self.positional_convolution.build(shape)
        self.layer_norm.build(shape)
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
        states = [hidden]
        for layer in self.encoder_layers:
            answer = self._run(layer, hidden, valid, training)
            if training and settings.layerdrop:
                # The layer is always computed: not every backend could compile a branch on a random number.
                kept = keras.random.uniform((), seed=self.seed_generator) >= settings.layerdrop
                answer = ops.where(kept, answer, hidden)
            hidden = answer
            states.append(hidden)
        if settings.do_stable_layer_norm:
            hidden = self.layer_norm(hidden)
        return hidden, tuple(states)

    def _run(self, layer: EncoderLayer, hidden, valid, training: bool):
        settings = self.settings
        seeds = None
        if training and (settings.hidden_dropout or settings.attention_dropout or settings.activation_dropout):
            seeds = tuple(self.seed_generator.next() for _ in range(SEEDS_PER_LAYER))
        if not (self.rematerialise and training):
            return layer(hidden, valid, seeds, training=training)
        return keras.remat(lambda frames: layer(frames, valid, seeds, training=training))(hidden)
