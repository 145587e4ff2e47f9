"""The reference implementation's view of our networks."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.models.wav2vec2 import Wav2Vec2Settings


def configuration(settings: "Wav2Vec2Settings") -> dict[str, Any]:
    """Arguments of `transformers.Wav2Vec2Config` for a network of this shape.

    Args:
        settings: The shape.

    Returns:
        The fields, without `do_normalize`, which is the feature extractor's.
    """
    fields = asdict(settings)
    del fields["do_normalize"]
    return {**fields, "attn_implementation": "sdpa"}
