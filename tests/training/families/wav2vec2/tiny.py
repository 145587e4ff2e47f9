"""Small configurations of the shapes that are published, and the numbers that stand for their weights."""

from typing import Any

import numpy as np

from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.families.wavlm.settings import WavLMSettings

_SMALL: dict[str, Any] = {
    "conv_dim": [16] * 7,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "base": {"model_type": "wav2vec2", **_SMALL},
    "large-lv60": {
        "model_type": "wav2vec2",
        **_SMALL,
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
        "conv_bias": True,
    },
    "hubert": {"model_type": "hubert", **_SMALL, "feat_proj_layer_norm": False},
    # Few buckets, so that a short clip has distances of all kinds.
    "wavlm": {"model_type": "wavlm", **_SMALL, "num_buckets": 16, "max_bucket_distance": 12},
    "wavlm-large": {
        "model_type": "wavlm",
        **_SMALL,
        "num_buckets": 8,
        "max_bucket_distance": 6,
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
    },
}


def settings_of(config: dict[str, Any]) -> Wav2Vec2Settings:
    """The settings that a configuration describes, with those of its own architecture."""
    kind = WavLMSettings if config["model_type"] == "wavlm" else Wav2Vec2Settings
    return kind.from_config(config)


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Numbers that depend on the names' order only, of the size that training leaves behind."""
    random = np.random.default_rng(7)
    values = {}
    for name in sorted(shapes):
        noise = random.standard_normal(shapes[name])
        gain = name.endswith("norm.weight") or name.endswith("original0")
        values[name] = (1 + 0.1 * noise if gain else 0.2 * noise).astype("float32")
    return values


def waveform(samples: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples) + 0.02).astype("float32")


def close(actual: np.ndarray, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    """Within `tolerance` of the largest expected number."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())
