"""What is known of a stored tensor before it is read, and one name for it, whatever class and version saved it."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_BYTES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2}

_PREFIXES = ("wav2vec2.", "hubert.", "model.")

_OUTSIDE = frozenset(
    {
        "adapter",
        "classifier",
        "dropout_features",
        "final_proj",
        "label_embs_concat",
        "layer_weights",
        "lm_head",
        "objective",
        "project_hid",
        "project_q",
        "projector",
        "quantizer",
        "tdnn",
    }
)
"""First parts of names that do not belong to the backbone: heads for words, classes or speakers, what only pretraining
needs, and adapters."""

_XVECTOR_DENSE = frozenset({"feature_extractor.weight", "feature_extractor.bias"})
"""The dense layer of the x-vector head, which has the name of the backbone's stack of convolutions."""

_LANGUAGE_ADAPTER = re.compile(r"encoder\.layers\.\d+\.adapter_layer\.")

_COUNTER = "num_batches_tracked"
"""Number of training steps that batch normalisation counts; no output depends on it."""

_POSITION = "encoder.pos_conv_embed.conv."
_NEW_WEIGHT_NORM = {
    f"{_POSITION}weight_g": f"{_POSITION}parametrizations.weight.original0",
    f"{_POSITION}weight_v": f"{_POSITION}parametrizations.weight.original1",
}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as its file describes it.

    Attributes:
        name: Name in the file.
        shape: Sizes of the dimensions; empty for a scalar.
        dtype: `float32`, `float16`, `bfloat16` and so on; for other types the name that the format uses.
        file: The file that it is in.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    file: Path

    @property
    def canonical(self) -> str | None:
        """Its name in the backbone; None for a tensor of a head, of pretraining or of an adapter."""
        return canonical_name(self.name)

    @property
    def used(self) -> bool:
        """Whether it belongs to the backbone, by its name."""
        return self.canonical is not None

    @property
    def size(self) -> int:
        """Number of its elements."""
        return math.prod(self.shape)

    @property
    def stored_bytes(self) -> int:
        """Number of bytes of its elements in the file."""
        return self.size * _BYTES.get(self.dtype, 1)


def canonical_name(stored: str) -> str | None:
    """The name of a stored tensor in the backbone.

    Prefixes of the class that saved it are removed, and the two tensors of the weight-normalised positional convolution
    get the names that PyTorch gives them since version 2.0.

    Args:
        stored: Name in the file.

    Returns:
        The name, even if no such tensor is known; None for a tensor of a head, of pretraining or of an adapter.
    """
    name = stored
    while prefix := next((word for word in _PREFIXES if name.startswith(word)), ""):
        name = name.removeprefix(prefix)
    first, _, _ = name.partition(".")
    outside = first in _OUTSIDE or name in _XVECTOR_DENSE or _LANGUAGE_ADAPTER.match(name) or name.endswith(_COUNTER)
    return None if outside else _NEW_WEIGHT_NORM.get(name, name)


def weight_norm_naming(stored: Iterable[str]) -> str:
    """How the weight normalisation of the positional convolution is named: `old`, `new` or `none`.

    Args:
        stored: Names of all tensors.
    """
    names = list(stored)
    if any(name.endswith(tuple(_NEW_WEIGHT_NORM)) for name in names):
        return "old"
    return "new" if any(name.endswith(tuple(_NEW_WEIGHT_NORM.values())) for name in names) else "none"
