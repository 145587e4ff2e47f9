"""Multi-head self-attention among the valid frames of a clip."""

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

    def call(self, hidden, valid, dropout_seed=None):
        """Compute attention.

        Args:
            hidden: [batch, frames, hidden_size].
            valid: bool [batch, frames].
            dropout_seed: Seed for dropout of attention weights, or None for no dropout.

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
        context = recomputed(self._mix)(scores, ops.transpose(value, (0, 2, 1, 3)), valid, dropout_seed)
        context = ops.reshape(ops.transpose(context, (0, 2, 1, 3)), (-1, self.hidden_size))
        return ops.reshape(self.output_projection(context), (batch, frames, self.hidden_size))

    def _mix(self, scores, value, valid, dropout_seed):
        """The values, weighted by attention: [batch, heads, frames, head_size]."""
        blocked = ops.where(valid, 0.0, MASKED_SCORE)[:, None, None, :]
        weights = ops.softmax(ops.cast(scores, "float32") + ops.cast(blocked, "float32"))
        weights = drop(ops.cast(weights, self.compute_dtype), self.rate, dropout_seed)
        return ops.matmul(weights, value)
