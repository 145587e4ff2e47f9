"""A learned mix of the hidden states of all layers."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser")
class LayerMix(keras.layers.Layer):
    """A weighted sum of the hidden states of all layers, with learned weights that add up to one.

    The middle layers of a speech model tell most about emotion and the last ones least. Training finds the weights
    (Yang et al. 2021, SUPERB, arXiv:2105.01051, section 3.2).

    Args:
        count: Number of hidden states.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, count: int, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the weights, [count], with equal values."""
        self.scores = self.add_weight(name="scores", shape=(self.count,), initializer="zeros")

    def call(self, states):
        """Compute the weighted sum.

        Args:
            states: `count` arrays [batch, frames, size].

        Returns:
            [batch, frames, size].
        """
        weights = ops.cast(ops.softmax(ops.cast(self.scores, "float32")), states[0].dtype)
        # Term by term, because a stack of the states would need their memory a second time.
        mixed = weights[0] * states[0]
        for index in range(1, self.count):
            mixed = mixed + weights[index] * states[index]
        return mixed

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "count": self.count}
