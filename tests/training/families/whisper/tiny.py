"""A small configuration of each shape that is published, and the numbers that stand for its weights."""

from typing import Any

import numpy as np

from tests.training.families.wav2vec2.tiny import weights

_SMALL: dict[str, Any] = {
    "model_type": "whisper",
    "d_model": 32,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_layers": 1,
    "decoder_attention_heads": 4,
    "decoder_ffn_dim": 48,
    "vocab_size": 60,
    "pad_token_id": 0,
    "max_source_positions": 100,
    "max_target_positions": 8,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "tiny": {**_SMALL, "num_mel_bins": 80},
    "large-v3": {**_SMALL, "num_mel_bins": 128, "encoder_layers": 3},
}
"""The reference hears 2 s at a time here, which are 100 positions, instead of 30 s."""

WHOLE = 100 * 320 - 8_000
"""Samples of the longest clip that is heard at a time: with 0.5 s of silence, it has all positions."""

SHORT = 9_001
"""Samples of a clip that has only some positions."""


def stand_in_weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Weights by the tensors' names in the encoder; the table of positions has no such large numbers."""
    values = weights(shapes)
    return {name: 0.5 * value if "positions" in name else value for name, value in values.items()}


def voice(samples: int, seed: int = 0) -> np.ndarray:
    """Harmonics of 140 Hz that come and go, with a little noise."""
    time = np.arange(samples) / 16_000
    random = np.random.default_rng(seed)
    tones = sum(np.sin(2 * np.pi * 140 * number * time + seed) / number for number in range(1, 20))
    return (0.1 * tones * np.sin(2 * np.pi * 1.5 * time) ** 2 + 0.002 * random.standard_normal(samples)).astype(
        "float32"
    )
