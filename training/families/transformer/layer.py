"""A transformer layer, and a stack of them with dropout, LayerDrop and rematerialisation."""

from collections.abc import Sequence

import keras
from keras import ops

from training.accelerator import tensorflow_on_processor
from training.families.transformer.activation import activation_named, drop, dropped_gelu
from training.families.transformer.attention import SelfAttention, recomputed
from training.families.transformer.dense import RowNormalisation, WideningDense
from training.families.transformer.shape import TransformerShape

# For dropout of attention weights, attention output, wide activation and feed-forward output.
SEEDS_PER_LAYER = 4


class TransformerLayer(keras.layers.Layer):
    """A transformer layer: attention and a feed-forward part, each with a residual connection.

    The norms come after the sums or, with `norm_first`, before attention and feed-forward part.
    """

    def __init__(self, shape: TransformerShape, **kwargs):
        super().__init__(**kwargs)
        self.shape = shape
        self.activation = activation_named(shape.activation)
        self.attention = SelfAttention(shape, dtype=self.dtype_policy, name="attention")
        self.layer_norm = self._norm("layer_norm")
        self.intermediate_dense = self._dense(WideningDense, shape.intermediate_size, "intermediate_dense")
        self.output_dense = self._dense(keras.layers.Dense, shape.hidden_size, "output_dense")
        self.final_layer_norm = self._norm("final_layer_norm")

    def _norm(self, name: str) -> RowNormalisation:
        return RowNormalisation(self.shape.epsilon, dtype=self.dtype_policy, name=name)

    def _dense(self, kind: type[keras.layers.Dense], units: int, name: str) -> keras.layers.Dense:
        return kind(
            units,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights."""
        shape = (None, None, self.shape.hidden_size)
        for layer in (self.attention, self.layer_norm, self.intermediate_dense, self.final_layer_norm):
            layer.build(shape)
        self.output_dense.build((None, None, self.shape.intermediate_size))

    def call(self, hidden, valid, dropout_seeds=None, training=False, bias=None):
        """Encode frames.

        Args:
            hidden: [batch, frames, hidden_size].
            valid: bool [batch, frames].
            dropout_seeds: `SEEDS_PER_LAYER` seeds, or None for no dropout. The caller draws them, so that a recomputed
                layer drops the same units.
            training: Whether a gradient may be computed.
            bias: From `RelativePositionBias`, if the shape has relative positions.

        Returns:
            [batch, frames, hidden_size].
        """
        seeds = dropout_seeds or (None,) * SEEDS_PER_LAYER
        rate = self.shape.hidden_dropout
        if self.shape.norm_first:
            hidden = hidden + drop(self.attention(self.layer_norm(hidden), valid, seeds[0], bias), rate, seeds[1])
            return hidden + self._feed_forward(self.final_layer_norm(hidden), seeds, training)
        hidden = self.layer_norm(hidden + drop(self.attention(hidden, valid, seeds[0], bias), rate, seeds[1]))
        return self.final_layer_norm(hidden + self._feed_forward(hidden, seeds, training))

    def _feed_forward(self, hidden, seeds, training: bool):
        # With two dimensions, TensorFlow's graph optimiser fuses product, bias and activation.
        frames = ops.reshape(hidden, (-1, self.shape.hidden_size))
        wide = self.intermediate_dense(frames)
        if training and self.shape.activation == "gelu" and tensorflow_on_processor():
            answer = self.output_dense(dropped_gelu(wide, self.shape.activation_dropout, seeds[2]))
        else:
            answer = recomputed(self._narrow)(wide, seeds[2])
        return ops.reshape(drop(answer, self.shape.hidden_dropout, seeds[3]), ops.shape(hidden))

    def _narrow(self, wide, seed):
        return self.output_dense(drop(self.activation(wide), self.shape.activation_dropout, seed))


def run_layers(
    layers: Sequence[TransformerLayer],
    hidden,
    valid,
    shape: TransformerShape,
    seed_generator: keras.random.SeedGenerator,
    rematerialise: bool,
    training: bool,
    bias=None,
) -> list:
    """Encode frames with one layer after the other.

    Args:
        layers: The layers, from first to last.
        hidden: [batch, frames, hidden_size].
        valid: bool [batch, frames].
        shape: Shape of the layers.
        seed_generator: Gives the seeds of dropout and LayerDrop.
        rematerialise: While training, keep only the input of every layer and compute the layer again for its gradient.
        training: Whether dropout and LayerDrop apply.
        bias: From `RelativePositionBias`, if the shape has relative positions.

    Returns:
        The input, then the output of each layer, each [batch, frames, hidden_size].
    """
    states = [hidden]
    for layer in layers:
        answer = _run(layer, hidden, valid, shape, seed_generator, rematerialise, training, bias)
        if training and shape.layerdrop:
            # The layer is always computed: not every backend could compile a branch on a random number.
            kept = keras.random.uniform((), seed=seed_generator) >= shape.layerdrop
            answer = ops.where(kept, answer, hidden)
        hidden = answer
        states.append(hidden)
    return states


def _run(layer, hidden, valid, shape, seed_generator, rematerialise, training, bias):
    seeds = tuple(seed_generator.next() for _ in range(SEEDS_PER_LAYER)) if training and shape.has_dropout else None
    if not (rematerialise and training):
        return layer(hidden, valid, seeds, training=training, bias=bias)
    return keras.remat(lambda frames: layer(frames, valid, seeds, training=training, bias=bias))(hidden)
