"""Floating-point operations of our networks, a multiplication and an addition counted as two.

Convolutions, matrix products and attention; what is done once for each number (norms, activations) is not counted.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.families.wav2vec2.settings import Wav2Vec2Settings


@dataclass(frozen=True, slots=True)
class Operations:
    """Of one clip's forward pass.

    Attributes:
        feature_encoder: The strided convolutions.
        encoder: The rest.
    """

    feature_encoder: float
    encoder: float

    @property
    def forward(self) -> float:
        """All of them."""
        return self.feature_encoder + self.encoder

    def training(self, strided: bool) -> float:
        """Of a training step.

        The gradient of a product is two products of its size, by the input and by the weights.

        Args:
            strided: Whether the strided convolutions learn, too.
        """
        return (3 if strided else 1) * self.feature_encoder + 3 * self.encoder


def operations(settings: "Wav2Vec2Settings", samples: int) -> Operations:
    """Count the operations of one clip.

    Args:
        settings: Shape of the network.
        samples: Length of the clip.
    """
    strided, channels = 0.0, 1
    for index, (width, kernel) in enumerate(zip(settings.conv_dim, settings.conv_kernel, strict=True)):
        strided += 2.0 * settings.frames(samples, index + 1) * kernel * channels * width
        channels = width
    frames, size, wide = settings.frames(samples), settings.hidden_size, settings.intermediate_size
    taps, groups = settings.num_conv_pos_embeddings, settings.num_conv_pos_embedding_groups
    positional = 2.0 * frames * size * (channels + taps * size / groups)
    layer = 2.0 * frames * size * (4 * size + 2 * wide) + 4.0 * frames * frames * size
    return Operations(strided, positional + settings.num_hidden_layers * layer)
