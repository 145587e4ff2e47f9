"""The shape of a stack of transformer layers. This module needs neither Keras nor TensorFlow."""

from dataclasses import dataclass

ACTIVATIONS = ("gelu", "relu", "silu", "swish", "tanh")
"""Names of activation functions that the networks have, from published configurations."""


@dataclass(frozen=True, slots=True)
class TransformerShape:
    """Shape and regularisation of a stack of transformer layers. The settings of a network have checked the values.

    Attributes:
        hidden_size: Size of a frame.
        layers: Number of layers.
        heads: Number of attention heads, which divides `hidden_size`.
        intermediate_size: Size of a frame within the feed-forward part.
        activation: Name of the activation function, one of `ACTIVATIONS`.
        norm_first: Whether the norms come before attention and feed-forward part, not after the sums.
        epsilon: Added to the variance in norms.
        relative_buckets: Number of buckets of the distances between frames, for each of which every head has a number
            that is added to its scores, through a gate; see `attention.GatedBias`. 0 for none.
        relative_distance: Distance in frames from which on all are in the same bucket.
        key_bias: Whether the keys have a bias. It changes no attention, and some checkpoints have none.
        hidden_dropout: Dropout rate of the outputs of attention and feed-forward part.
        attention_dropout: Dropout rate of attention weights.
        activation_dropout: Dropout rate within the feed-forward part.
        layerdrop: Probability with which a layer is left out of a training step.
    """

    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    activation: str = "gelu"
    norm_first: bool = True
    epsilon: float = 1e-5
    key_bias: bool = True
    relative_buckets: int = 0
    relative_distance: int = 800
    hidden_dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layerdrop: float = 0.0

    @property
    def has_dropout(self) -> bool:
        """Whether a layer drops anything while training."""
        return bool(self.hidden_dropout or self.attention_dropout or self.activation_dropout)
