"""Small configurations, and clips of lengths that matter."""

from typing import Any

from tests.training.families.whisper.tiny import stand_in_weights, voice

__all__ = ["CONFIGS", "SHORT", "WHOLE", "stand_in_weights", "voice"]

_SMALL: dict[str, Any] = {
    "model_type": "audio-spectrogram-transformer",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "num_mel_bins": 36,
    "max_length": 56,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "overlapping": _SMALL,
    "beside one another": {**_SMALL, "frequency_stride": 16, "time_stride": 16, "num_mel_bins": 128, "max_length": 64},
}

WHOLE = {name: (config["max_length"] - 1) * 160 + 400 for name, config in CONFIGS.items()}
"""Samples of the longest clip that is processed at a time: it has all positions."""

SHORT = 29 * 160 + 400
"""Samples of a clip of 30 frames, which fill no whole number of patches."""
