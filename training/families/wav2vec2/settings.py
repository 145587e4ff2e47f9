"""The shape of the network. This module needs neither Keras nor TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from data_pipeline.errors import UserError
from data_pipeline.settings import Listed, Settings
from training.families.transformer.published import read_config, values_of
from training.families.transformer.shape import ACTIVATIONS, TransformerShape

# Accepted values for parts that this network does not have. Any other value would change the network's output.
_ONLY_SUPPORTED: dict[str, tuple[Any, ...]] = {
    "conv_pos_batch_norm": (False, None),
    "add_adapter": (False, None),
    "adapter_attn_dim": (None,),
}


@dataclass(frozen=True, slots=True)
class Wav2Vec2Settings(Settings):
    """Shape and regularisation of a wav2vec 2.0 or HuBERT network, by default those of the base model.

    The fields have the names and meanings of the published configuration files (`config.json`). `mask_time_prob` is
    the share of the frames that spans would cover without overlap. `do_normalize` (`preprocessor_config.json`) says
    whether each waveform is normalised to zero mean and unit variance first. `num_buckets` and `max_bucket_distance`
    are those of WavLM's relative positions; 0 buckets for none.
    """

    conv_dim: Annotated[tuple[int, ...], Listed] = (512,) * 7
    conv_kernel: Annotated[tuple[int, ...], Listed] = (10, 3, 3, 3, 3, 2, 2)
    conv_stride: Annotated[tuple[int, ...], Listed] = (5, 2, 2, 2, 2, 2, 2)
    conv_bias: bool = False
    feat_extract_norm: str = "group"
    feat_extract_activation: str = "gelu"
    feat_proj_layer_norm: bool = True
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    num_conv_pos_embeddings: int = 128
    num_conv_pos_embedding_groups: int = 16
    do_stable_layer_norm: bool = False
    layer_norm_eps: float = 1e-5
    feat_proj_dropout: float = 0.0
    hidden_dropout: float = 0.1
    attention_dropout: float = 0.1
    activation_dropout: float = 0.1
    layerdrop: float = 0.1
    apply_spec_augment: bool = True
    mask_time_prob: float = 0.05
    mask_time_length: int = 10
    mask_time_min_masks: int = 2
    mask_feature_prob: float = 0.0
    mask_feature_length: int = 10
    mask_feature_min_masks: int = 0
    do_normalize: bool = True
    num_buckets: int = 0
    max_bucket_distance: int = 800

    def check(self) -> None:
        """Check all values.

        Raises:
            UserError: If a value is out of its range.
        """
        for name in ("conv_dim", "conv_kernel", "conv_stride"):
            values = getattr(self, name)
            if not values or any(value < 1 for value in values) or len(values) != len(self.conv_dim):
                raise UserError(f"{name} must hold one positive number for each layer of conv_dim, not {values!r}.")
        if self.feat_extract_norm not in ("group", "layer"):
            raise UserError(f"feat_extract_norm must be 'group' or 'layer', not {self.feat_extract_norm!r}.")
        for name in ("feat_extract_activation", "hidden_act"):
            if getattr(self, name) not in ACTIVATIONS:
                raise UserError(f"{name} must be one of {', '.join(ACTIVATIONS)}, not {getattr(self, name)!r}.")
        for name in (
            "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "num_conv_pos_embeddings",
            "num_conv_pos_embedding_groups", "mask_time_length", "mask_feature_length",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, not {getattr(self, name)!r}.")
        # A fourth of the buckets is for the shortest distances each way, and there must be longer ones.
        if self.num_buckets and (self.num_buckets % 4 or self.max_bucket_distance <= self.num_buckets // 4):
            raise UserError(
                f"num_buckets must be a multiple of 4, and max_bucket_distance above a fourth of it, not "
                f"{self.num_buckets!r} and {self.max_bucket_distance!r}."
            )
        for name in ("num_attention_heads", "num_conv_pos_embedding_groups"):
            if self.hidden_size % getattr(self, name):
                raise UserError(
                    f"{name} must divide hidden_size {self.hidden_size}, and {getattr(self, name)} does not."
                )
        for name in ("feat_proj_dropout", "hidden_dropout", "attention_dropout", "activation_dropout", "layerdrop"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 0 and below 1, not {getattr(self, name)!r}.")
        for name in ("mask_time_prob", "mask_feature_prob"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} must be between 0 and 1, not {getattr(self, name)!r}.")

    @classmethod
    def model_types(cls) -> tuple[str, ...]:
        """Values of `model_type` in published configurations of this network."""
        return ("wav2vec2", "hubert")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], do_normalize: bool = True) -> Self:
        """Settings from a published configuration.

        Args:
            config: Content of the `config.json` of a wav2vec 2.0 or HuBERT checkpoint. Fields about other things than
                the backbone are ignored. Missing fields have the values of the base model.
            do_normalize: Value of the field `do_normalize` in `preprocessor_config.json`.

        Returns:
            The settings.

        Raises:
            UserError: If the configuration needs something that this network does not have.
        """
        kind = config.get("model_type", cls.model_types()[0])
        if kind not in cls.model_types():
            known = " or ".join(cls.model_types())
            raise UserError(f"model_type {kind!r} is not supported; use a {known} checkpoint.")
        for name, supported in _ONLY_SUPPORTED.items():
            if config.get(name) not in supported:
                raise UserError(f"{name} = {config[name]!r} is not supported; use a checkpoint without it.")
        published = {name: value for name, value in config.items() if name != "do_normalize"}
        return cls(**{**values_of(cls, published), "do_normalize": do_normalize})

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Settings from a `config.json`, see `from_config`.

        Raises:
            UserError: If the file cannot be read, or describes another network.
        """
        return cls.from_config(read_config(path, "wav2vec 2.0"))

    @property
    def transformer(self) -> TransformerShape:
        """Shape of the transformer layers."""
        return TransformerShape(
            hidden_size=self.hidden_size,
            layers=self.num_hidden_layers,
            heads=self.num_attention_heads,
            intermediate_size=self.intermediate_size,
            activation=self.hidden_act,
            norm_first=self.do_stable_layer_norm,
            epsilon=self.layer_norm_eps,
            hidden_dropout=self.hidden_dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
            layerdrop=self.layerdrop,
            relative_buckets=self.num_buckets,
            relative_distance=self.max_bucket_distance,
        )

    @property
    def shortest(self) -> int:
        """Number of samples at 16 kHz that the first frame needs: 400 in all published networks."""
        count = 1
        for kernel, stride in reversed(list(zip(self.conv_kernel, self.conv_stride, strict=True))):
            count = (count - 1) * stride + kernel
        return count

    def frames(self, num_samples: Any, num_layers: int | None = None) -> Any:
        """Number of frames after the convolutions.

        Args:
            num_samples: Number of samples at 16 kHz: an int, an array or a tensor of integers.
            num_layers: Number of layers after which to count, from the first one; all by default.

        Returns:
            The number of frames, of the same type as `num_samples`. It is 0 for a waveform that is too short for the
            first frame; arrays and tensors may have negative values there.
        """
        count = num_samples
        for kernel, stride in list(zip(self.conv_kernel, self.conv_stride, strict=True))[:num_layers]:
            count = (count - kernel) // stride + 1
        return max(count, 0) if isinstance(count, int) else count
