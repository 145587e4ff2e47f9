"""Multi-head self-attention among the valid frames of a clip, and the gated relative position bias of WavLM."""

import math
from collections.abc import Callable

import keras
from keras import ops

from training.families.transformer.activation import drop
from training.families.transformer.shape import TransformerShape

# Far below any score, and finite, so that a clip without a valid frame does not become NaN.
MASKED_SCORE = -1e9


def recomputed(function: Callable) -> Callable:
    """A function that JAX computes again for its gradient.

    JAX then keeps only the inputs of the function for the backward pass, instead of the derivatives of all its steps,
    among them float32 arrays and dropout masks. This is for functions that are cheap to compute and have large
    intermediate results. Other backends do not compile the step as a whole, and computing again would take more time.

    Args:
        function: A function of tensors that changes no state and draws no seed.

    Returns:
        A function with the same outputs and gradients.
    """
    return keras.remat(function) if keras.backend.backend() == "jax" else function


class SelfAttention(keras.layers.Layer):
    """Multi-head attention among the valid frames of a clip.

    `query`, `key`, `value` and `output_projection` are `keras.layers.Dense` and correspond to the tensors of a
    checkpoint.
    """

    def __init__(self, shape: TransformerShape, **kwargs):
        super().__init__(**kwargs)
        self.heads = shape.heads
        self.hidden_size = shape.hidden_size
        self.head_size = self.hidden_size // self.heads
        self.rate = shape.attention_dropout
        self.query = self._dense("query")
        self.key = self._dense("key", shape.key_bias)
        self.value = self._dense("value")
        # `output` is a property of every Keras layer.
        self.output_projection = self._dense("output_projection")
        gated = bool(shape.relative_buckets)
        self.gate = BiasGate(self.heads, dtype=self.dtype_policy, name="gate") if gated else None

    def _dense(self, name: str, use_bias: bool = True) -> keras.layers.Dense:
        return keras.layers.Dense(
            self.hidden_size,
            use_bias=use_bias,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the weights of the four projections."""
        for dense in (self.query, self.key, self.value, self.output_projection):
            dense.build((None, None, self.hidden_size))
        if self.gate is not None:
            self.gate.build((None, None, self.heads, self.head_size))

    def call(self, hidden, valid, dropout_seed=None, bias=None):
        """Compute attention.

        Args:
            hidden: [batch, frames, hidden_size].
            valid: bool [batch, frames].
            dropout_seed: Seed for dropout of attention weights, or None for no dropout.
            bias: From `RelativePositionBias`, if the shape has relative positions.

        Returns:
            [batch, frames, hidden_size]; values in frames that are not valid are finite and have no meaning.
        """
        # `ops.dot_product_attention` has no advantage: only cuDNN's fused kernel never stores the scores, but it does
        # not accept a mask that all queries share. Without it, JAX stores the scores twice.
        batch, frames = ops.shape(hidden)[:2]
        # With two dimensions, TensorFlow's graph optimiser fuses product and bias.
        rows = ops.reshape(hidden, (-1, self.hidden_size))
        by_head = (batch, frames, self.heads, self.head_size)
        query, key, value = (ops.reshape(dense(rows), by_head) for dense in (self.query, self.key, self.value))
        query = ops.transpose(query * self.head_size**-0.5, (0, 2, 1, 3))
        scores = ops.matmul(query, ops.transpose(key, (0, 2, 3, 1)))
        if bias is not None and self.gate is not None:
            scores = scores + self.gate(ops.reshape(hidden, by_head)) * bias
        context = recomputed(self._mix)(scores, ops.transpose(value, (0, 2, 1, 3)), valid, dropout_seed)
        context = ops.reshape(ops.transpose(context, (0, 2, 1, 3)), (-1, self.hidden_size))
        return ops.reshape(self.output_projection(context), (batch, frames, self.hidden_size))

    def _mix(self, scores, value, valid, dropout_seed):
        """The values, weighted by attention: [batch, heads, frames, head_size]."""
        blocked = ops.where(valid, 0.0, MASKED_SCORE)[:, None, None, :]
        weights = ops.softmax(ops.cast(scores, "float32") + ops.cast(blocked, "float32"))
        weights = drop(ops.cast(weights, self.compute_dtype), self.rate, dropout_seed)
        return ops.matmul(weights, value)


class BiasGate(keras.layers.Layer):
    """How much of the relative position bias each frame takes (Chen et al. 2021, arXiv:2110.13900, section III-B).

    The gate of a frame depends on the frame itself, so that how far attention reaches depends on what is said.
    """

    def __init__(self, heads: int, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        # Two sums of four outputs each, as in published checkpoints.
        self.projection = keras.layers.Dense(2 * 4, dtype=self.dtype_policy, name="projection")

    def build(self, input_shape):
        """Create the weights.

        Args:
            input_shape: [batch, frames, heads, head_size].
        """
        self.projection.build(input_shape)
        # Of the shape that checkpoints have, reversed, as all tensors are read.
        self.scale = self.add_weight(name="scale", shape=(1, 1, self.heads, 1), initializer="ones")

    def call(self, hidden):
        """Compute the gates.

        Args:
            hidden: [batch, frames, heads, head_size], the input of the attention.

        Returns:
            [batch, heads, frames, 1].
        """
        batch, frames = ops.shape(hidden)[:2]
        projected = ops.reshape(self.projection(hidden), (batch, frames, self.heads, 2, 4))
        gates = ops.sigmoid(ops.sum(projected, axis=-1))
        outer, inner = gates[..., 0], gates[..., 1]
        scale = ops.cast(ops.reshape(self.scale, (1, 1, self.heads)), gates.dtype)
        gate = outer * (inner * scale - 1.0) + 2.0
        return ops.transpose(gate, (0, 2, 1))[:, :, :, None]


class RelativePositionBias(keras.layers.Layer):
    """A number of each head for the distance between two frames, which all layers of a stack share.

    Distances are put into buckets, which grow with the distance (Raffel et al. 2019, arXiv:1910.10683, section 2.1).
    """

    def __init__(self, shape: TransformerShape, **kwargs):
        super().__init__(**kwargs)
        self.heads = shape.heads
        self.buckets = shape.relative_buckets
        self.distance = shape.relative_distance

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the numbers, [heads, buckets]."""
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.values = self.add_weight(name="values", shape=(self.heads, self.buckets), initializer=initializer)

    def call(self, hidden):
        """Compute the bias.

        Args:
            hidden: [batch, frames, size], of which only the number of frames counts.

        Returns:
            [1, heads, frames, frames], from the frame that attends to the frame that is attended to.
        """
        places = ops.arange(ops.shape(hidden)[1], dtype="int32")
        buckets = self._bucket(places[None, :] - places[:, None])
        return ops.cast(ops.take(self.values, buckets, axis=1), self.compute_dtype)[None]

    def _bucket(self, distances):
        each_way = self.buckets // 2
        exact = each_way // 2
        away = ops.abs(distances)
        ratio = ops.log(ops.cast(ops.maximum(away, 1), "float32") / exact) / math.log(self.distance / exact)
        far = exact + ops.cast(ratio * (each_way - exact), "int32")
        bucket = ops.where(away < exact, away, ops.minimum(far, each_way - 1))
        return bucket + each_way * ops.cast(distances > 0, "int32")
