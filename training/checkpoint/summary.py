"""The summary of a checkpoint that `ser checkpoint inspect` prints."""

import re
from collections import defaultdict
from dataclasses import dataclass

from training.checkpoint.architectures import AST, WHISPER, weight_norm_naming
from training.checkpoint.checkpoint import Checkpoint
from training.checkpoint.tensor_info import TensorInfo

_NUMBER = re.compile(r"\.\d+\.")


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Tensors whose names differ only in the number of the layer.

    Attributes:
        name: Their name, with `N` in place of numbers.
        count: Number of tensors.
        shapes: Their different shapes.
        dtypes: Their different types.
        used: Whether they belong to the backbone.
    """

    name: str
    count: int
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    used: bool


def checkpoint_facts(checkpoint: Checkpoint, tensors: list[TensorInfo]) -> dict[str, str]:
    """The main facts of a checkpoint, by name.

    Args:
        checkpoint: The checkpoint.
        tensors: All of its tensors.
    """
    config = checkpoint.config
    used = [tensor for tensor in tensors if tensor.used]
    return {
        "model type": str(config["model_type"]),
        "revision": checkpoint.revision or "a folder, which has none",
        "folder": str(checkpoint.folder),
        "weights": ", ".join(sorted({tensor.file.name for tensor in tensors})),
        "backbone": f"{sum(tensor.size for tensor in used):,} parameters in {len(used):,} tensors",
        "left out": f"{sum(tensor.size for tensor in tensors) - sum(tensor.size for tensor in used):,} parameters in "
        f"{len(tensors) - len(used):,} tensors",
        "in all": f"{sum(tensor.size for tensor in tensors):,} parameters, "
        f"{sum(tensor.stored_bytes for tensor in tensors):,} bytes",
        **_shape(checkpoint, tensors),
    }


_FIELDS = {
    WHISPER.title: ("encoder_layers", "d_model", "encoder_attention_heads"),
    AST.title: ("num_hidden_layers", "hidden_size", "num_attention_heads"),
}
"""Names of the number of layers, the hidden size and the number of heads in configurations of networks on log-mels."""


def _shape(checkpoint: Checkpoint, tensors: list[TensorInfo]) -> dict[str, str]:
    names = _FIELDS.get(checkpoint.architecture.title)
    if names is None:
        return _of_wav2vec2(checkpoint, tensors)
    titles = ("layers", "hidden size", "attention heads", "mel bands")
    fields = zip(titles, (*names, "num_mel_bins"), strict=True)
    return {title: str(checkpoint.config.get(name, "not stated")) for title, name in fields}


def _of_wav2vec2(checkpoint: Checkpoint, tensors: list[TensorInfo]) -> dict[str, str]:
    config = checkpoint.config
    naming = weight_norm_naming(tensor.name for tensor in tensors)
    normalised = "mean 0, variance 1" if checkpoint.feature_extractor["do_normalize"] else "as it is"
    stable = "before each block (stable layer norm)" if config.get("do_stable_layer_norm") else "after each block"
    return {
        "layers": str(config.get("num_hidden_layers", "not stated")),
        "hidden size": str(config.get("hidden_size", "not stated")),
        "attention heads": str(config.get("num_attention_heads", "not stated")),
        "waveform": normalised,
        "convolutions' norm": str(config.get("feat_extract_norm", "not stated")),
        "transformer's norm": stable,
        "weight norm": {
            "old": "weight_g, weight_v (before PyTorch 2.0)",
            "new": "parametrizations.weight.original0, original1 (since PyTorch 2.0)",
            "none": "none",
        }[naming],
    }


def tensor_groups(tensors: list[TensorInfo]) -> list[TensorGroup]:
    """The tensors, the same tensor of all layers as one group. Those outside the backbone come last."""
    alike: dict[tuple[bool, str], list[TensorInfo]] = defaultdict(list)
    for tensor in tensors:
        alike[not tensor.used, _NUMBER.sub(".N.", tensor.name)].append(tensor)
    return [
        TensorGroup(
            name,
            len(members),
            tuple(sorted({member.shape for member in members})),
            tuple(sorted({member.dtype for member in members})),
            not outside,
        )
        for (outside, name), members in sorted(alike.items())
    ]
