"""The shape of Whisper's encoder. This module needs neither Keras nor TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError
from data_pipeline.settings import Settings
from training.families.transformer.published import read_config, values_of
from training.families.transformer.shape import ACTIVATIONS, TransformerShape

HOP = 160
"""Samples at 16 kHz from one frame of the spectrogram to the next: 10 ms (Radford et al. 2022, section 2.2)."""

WINDOW = 400
"""Samples of a frame of the spectrogram: 25 ms."""

STRIDE = 2
"""Frames of the spectrogram for each frame of the encoder: its second convolution leaves out every other one."""

TAIL = 8_000
"""Samples of silence that a clip is followed by: 0.5 s. The reference fills up to 30 s, so that the encoder always
hears where speech ends."""

_MODEL_TYPE = "whisper"

_NAMES = {
    "num_mel_bins": "num_mel_bins",
    "d_model": "hidden_size",
    "encoder_layers": "num_hidden_layers",
    "encoder_attention_heads": "num_attention_heads",
    "encoder_ffn_dim": "intermediate_size",
    "activation_function": "hidden_act",
    "max_source_positions": "max_source_positions",
    "dropout": "hidden_dropout",
    "attention_dropout": "attention_dropout",
    "activation_dropout": "activation_dropout",
    "encoder_layerdrop": "layerdrop",
}
"""Fields of published configurations, and ours."""


@dataclass(frozen=True, slots=True)
class WhisperSettings(Settings):
    """Shape and regularisation of the encoder, by default those of tiny.

    Attributes:
        num_mel_bins: Number of mel bands: 80, or 128 from large-v3 on.
        hidden_size: Size of a frame (`d_model`).
        num_hidden_layers: Number of transformer layers (`encoder_layers`).
        num_attention_heads: Number of attention heads (`encoder_attention_heads`).
        intermediate_size: Size within the feed-forward part (`encoder_ffn_dim`).
        hidden_act: Name of the activation function (`activation_function`).
        max_source_positions: Number of rows of the table of positions: 1,500 of 20 ms, which are 30 s.
        hidden_dropout: Dropout rate of the outputs of attention and feed-forward part (`dropout`).
        attention_dropout: Dropout rate of attention weights.
        activation_dropout: Dropout rate within the feed-forward part.
        layerdrop: Probability with which a layer is left out of a training step (`encoder_layerdrop`).
    """

    num_mel_bins: int = 80
    hidden_size: int = 384
    num_hidden_layers: int = 4
    num_attention_heads: int = 6
    intermediate_size: int = 1536
    hidden_act: str = "gelu"
    max_source_positions: int = 1500
    hidden_dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layerdrop: float = 0.0

    def check(self) -> None:
        """Check all values.

        Raises:
            UserError: If a value is out of its range.
        """
        for name in ("num_mel_bins", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, not {getattr(self, name)!r}.")
        if self.hidden_size % self.num_attention_heads:
            raise UserError(
                f"num_attention_heads must divide hidden_size {self.hidden_size}, and {self.num_attention_heads} does "
                "not."
            )
        if self.hidden_act not in ACTIVATIONS:
            raise UserError(f"hidden_act must be one of {', '.join(ACTIVATIONS)}, not {self.hidden_act!r}.")
        if self.window <= 0:
            raise UserError(
                f"max_source_positions must be above {TAIL // (HOP * STRIDE)}, which are the frames of the silence "
                f"after a clip, not {self.max_source_positions!r}."
            )
        for name in ("hidden_dropout", "attention_dropout", "activation_dropout", "layerdrop"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 0 and below 1, not {getattr(self, name)!r}.")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "WhisperSettings":
        """Settings from a published configuration.

        Args:
            config: Content of the `config.json` of a Whisper checkpoint. Fields about the decoder are ignored, missing
                ones have the values of tiny.

        Returns:
            The settings.

        Raises:
            UserError: If the configuration is of another network, or needs something that this network does not have.
        """
        kind = config.get("model_type", _MODEL_TYPE)
        if kind != _MODEL_TYPE:
            raise UserError(f"model_type {kind!r} is not supported; use a whisper checkpoint.")
        if config.get("scale_embedding") not in (False, None):
            raise UserError("scale_embedding = True is not supported; use a checkpoint without it.")
        return cls(**values_of(cls, config, _NAMES))

    @classmethod
    def from_file(cls, path: Path) -> "WhisperSettings":
        """Settings from a `config.json`, see `from_config`.

        Raises:
            UserError: If the file cannot be read, or describes another network.
        """
        return cls.from_config(read_config(path, "Whisper"))

    @property
    def transformer(self) -> TransformerShape:
        """Shape of the transformer layers."""
        return TransformerShape(
            hidden_size=self.hidden_size,
            layers=self.num_hidden_layers,
            heads=self.num_attention_heads,
            intermediate_size=self.intermediate_size,
            activation=self.hidden_act,
            key_bias=False,
            hidden_dropout=self.hidden_dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
            layerdrop=self.layerdrop,
        )

    @property
    def window(self) -> int:
        """Most samples of a clip that the encoder hears at a time: 29.5 s. Longer clips are cut into such windows."""
        return self.max_source_positions * HOP * STRIDE - TAIL
