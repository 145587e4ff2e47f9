"""What `ser checkpoint inspect` says of a checkpoint."""

import re
from collections import defaultdict
from dataclasses import dataclass

from training.checkpoint.checkpoint import Checkpoint
from training.checkpoint.names import weight_norm_naming
from training.checkpoint.tensor_info import TensorInfo

_NUMBER = re.compile(r"\.\d+\.")


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Tensors that are named alike but for a layer's number.

    Attributes:
        name: With `N` in place of numbers.
        count: How many there are.
        shapes: The different ones.
        dtypes: The different ones.
        used: Whether they belong to the backbone.
    """

    name: str
    count: int
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    used: bool


def facts(checkpoint: Checkpoint, tensors: list[TensorInfo]) -> dict[str, str]:
    """What to know first, by what it is called.

    Args:
        checkpoint: The checkpoint.
        tensors: All of its tensors.
    """
    config = checkpoint.config
    used = [tensor for tensor in tensors if tensor.used]
    naming = weight_norm_naming([tensor.name for tensor in tensors])
    normalised = "mean 0, variance 1" if checkpoint.feature_extractor["do_normalize"] else "as it is"
    stable = "before each block (stable layer norm)" if config.get("do_stable_layer_norm") else "after each block"
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


def groups(tensors: list[TensorInfo]) -> list[TensorGroup]:
    """The tensors, those of all layers together; what is left out comes last."""
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
