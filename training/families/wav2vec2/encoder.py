import keras
from keras import ops

from training.accelerator import tensorflow_on_processor
from training.families.wav2vec2.attention import SelfAttention, recomputed
from training.families.wav2vec2.kernels.activation import activation_named, drop, dropped_gelu
from training.families.wav2vec2.kernels.dense import RowNormalisation, WideningDense
from training.families.wav2vec2.positional_convolution import PositionalConvolution
from training.families.wav2vec2.settings import Wav2Vec2Settings

# Attention weights, attention's output, the wide activation, the feed-forward output.
SEEDS_A_LAYER = 4


class EncoderLayer(keras.layers.Layer):
    """Attention and a feed-forward part, each with a residual connection.

    The norms stand behind the sums (the base models) or, with `do_stable_layer_norm`, before the parts.
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
        """Make the weights of every part."""
        shape = (None, None, self.settings.hidden_size)
        for layer in (self.attention, self.layer_norm, self.intermediate_dense, self.final_layer_norm):
            layer.build(shape)
        self.output_dense.build((None, None, self.settings.intermediate_size))

    def call(self, hidden, valid, dropout_seeds=None, training=False):
        """One step of the encoder.

        Args:
            hidden: [batch, frames, hidden_size].
            valid: bool [batch, frames].
            dropout_seeds: SEEDS_A_LAYER drawn seeds, or None for no dropout. They come from outside so that a
                recomputed layer drops the same units.
            training: Whether there may be a gradient.

        Returns:
            [batch, frames, hidden_size].
        """
        seeds = dropout_seeds or (None,) * SEEDS_A_LAYER
        rate = self.settings.hidden_dropout
        if self.settings.do_stable_layer_norm:
            hidden = hidden + drop(self.attention(self.layer_norm(hidden), valid, seeds[0]), rate, seeds[1])
            return hidden + self._feed_forward(self.final_layer_norm(hidden), seeds, training)
        hidden = self.layer_norm(hidden + drop(self.attention(hidden, valid, seeds[0]), rate, seeds[1]))
        return self.final_layer_norm(hidden + self._feed_forward(hidden, seeds, training))

    def _feed_forward(self, hidden, seeds, training: bool):
        # In two dimensions TensorFlow's graph optimiser makes product, bias and activation one operation.
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
        """Make the weights of every part."""
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
            The answer, [batch, frames, hidden_size], and num_hidden_layers + 1 such arrays: what the first layer
            was given, then the output of each layer. With `do_stable_layer_norm` the answer is the last of them
            behind the closing norm; otherwise it is the last of them.
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
                # The layer is computed all the same: a branch on a random number could not be compiled everywhere.
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
            seeds = tuple(self.seed_generator.next() for _ in range(SEEDS_A_LAYER))
        if not (self.rematerialise and training):
            return layer(hidden, valid, seeds, training=training)
        return keras.remat(lambda frames: layer(frames, valid, seeds, training=training))(hidden)
