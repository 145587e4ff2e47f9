"""The shape of the Audio Spectrogram Transformer. This module needs neither Keras nor TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from data_pipeline.errors import UserError
from data_pipeline.settings import Settings
from training.families.transformer.published import read_config, values_of
from training.families.transformer.shape import ACTIVATIONS, TransformerShape

HOP = 160
"""Samples at 16 kHz from one frame of the spectrogram to the next: 10 ms (Gong et al. 2021, section 2.1)."""

WINDOW = 400
"""Samples of a frame of the spectrogram: 25 ms."""

_MODEL_TYPE = "audio-spectrogram-transformer"


@dataclass(frozen=True, slots=True)
class AstSettings(Settings):
    """Shape and regularisation of the network, by default those of the published models.

    The fields have the names and meanings of the published configuration files (`config.json`). `mean` and `std`
    (`preprocessor_config.json`) are those of the log-mels that the network was trained on; they become 0 and 0.5.
    """

    num_mel_bins: int = 128
    max_length: int = 1024
    patch_size: int = 16
    frequency_stride: int = 10
    time_stride: int = 10
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    mean: float = -4.2677393
    std: float = 4.5689974

    def check(self) -> None:
        """Check all values.

        Raises:
            UserError: If a value is out of its range.
        """
        for name in (
            "patch_size", "frequency_stride", "time_stride", "hidden_size", "num_hidden_layers", "num_attention_heads",
            "intermediate_size",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, not {getattr(self, name)!r}.")
        for name in ("num_mel_bins", "max_length"):
            if getattr(self, name) < self.patch_size:
                raise UserError(f"{name} must be at least patch_size {self.patch_size}, not {getattr(self, name)!r}.")
        if self.time_stride > self.patch_size:
            raise UserError(f"time_stride {self.time_stride} would leave frames out of patches of {self.patch_size}.")
        if self.hidden_size % self.num_attention_heads:
            raise UserError(
                f"num_attention_heads must divide hidden_size {self.hidden_size}, and {self.num_attention_heads} does "
                "not."
            )
        if self.hidden_act not in ACTIVATIONS:
            raise UserError(f"hidden_act must be one of {', '.join(ACTIVATIONS)}, not {self.hidden_act!r}.")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 0 and below 1, not {getattr(self, name)!r}.")
        if self.std <= 0:
            raise UserError(f"std must be above 0, not {self.std!r}.")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], feature_extractor: Mapping[str, Any] | None = None) -> Self:
        """Settings from a published configuration.

        Args:
            config: Content of the `config.json` of a checkpoint. Missing fields have the values of the published
                models.
            feature_extractor: Content of `preprocessor_config.json`.

        Raises:
            UserError: If the configuration is of another network, needs something that this network does not have, or
                the two files disagree about the number of mel bands.
        """
        kind = config.get("model_type", _MODEL_TYPE)
        if kind != _MODEL_TYPE:
            raise UserError(f"model_type {kind!r} is not supported; use a checkpoint of type {_MODEL_TYPE}.")
        if config.get("qkv_bias") not in (True, None):
            raise UserError("qkv_bias = False is not supported; use a checkpoint with it.")
        values = values_of(cls, config)
        extractor = feature_extractor or {}
        bands = extractor.get("num_mel_bins", values.get("num_mel_bins", cls().num_mel_bins))
        if bands != values.get("num_mel_bins", cls().num_mel_bins):
            raise UserError(
                f"preprocessor_config.json has num_mel_bins {bands!r} and config.json "
                f"{values.get('num_mel_bins', cls().num_mel_bins)}: fetch the checkpoint again"
            )
        if not extractor.get("do_normalize", True):
            return cls(**{**values, "mean": 0.0, "std": 0.5})
        return cls(**{**values, **values_of(cls, {key: extractor.get(key) for key in ("mean", "std")})})

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Settings from a `config.json`, see `from_config`.

        Raises:
            UserError: If the file cannot be read, or describes another network.
        """
        return cls.from_config(read_config(path, "Audio Spectrogram Transformer"))

    @property
    def transformer(self) -> TransformerShape:
        """Shape of the transformer layers."""
        return TransformerShape(
            hidden_size=self.hidden_size,
            layers=self.num_hidden_layers,
            heads=self.num_attention_heads,
            intermediate_size=self.intermediate_size,
            activation=self.hidden_act,
            epsilon=self.layer_norm_eps,
            hidden_dropout=self.hidden_dropout_prob,
            attention_dropout=self.attention_probs_dropout_prob,
        )

    @property
    def window(self) -> int:
        """Most samples of a clip that are processed at a time: 10.3 s. Longer clips are cut into such windows."""
        return (self.max_length - 1) * HOP + WINDOW

    @property
    def bands_of_patches(self) -> int:
        """Number of patches above one another."""
        return (self.num_mel_bins - self.patch_size) // self.frequency_stride + 1

    @property
    def most_patches(self) -> int:
        """Number of patches beside one another that the table of positions has."""
        return (self.max_length - self.patch_size) // self.time_stride + 1
