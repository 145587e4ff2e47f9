"""One name for each tensor, whichever class and version of transformers saved it."""

import re

_PREFIXES = ("wav2vec2.", "hubert.", "model.")

# The first part of names that are no part of the backbone: what recognises words, classes or speakers, what
# pretraining compares with, and adapters.
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
# The x-vector head has a dense layer that is called as the backbone's stack of convolutions is.
_XVECTOR_DENSE = frozenset({"feature_extractor.weight", "feature_extractor.bias"})
_LANGUAGE_ADAPTER = re.compile(r"encoder\.layers\.\d+\.adapter_layer\.")
# A count of training steps that batch normalisation keeps; no answer depends on it.
_COUNTER = "num_batches_tracked"

_POSITION = "encoder.pos_conv_embed.conv."
_NEW_WEIGHT_NORM = {
    f"{_POSITION}weight_g": f"{_POSITION}parametrizations.weight.original0",
    f"{_POSITION}weight_v": f"{_POSITION}parametrizations.weight.original1",
}


def canonical_name(stored: str) -> str | None:
    """The name of a stored tensor within the backbone.

    Prefixes of the class that saved it are taken off, and the two tensors of the weight-normalised positional
    convolution get the names that PyTorch gives them since 2.0.

    Args:
        stored: As the file has it.

    Returns:
        The name, also where nothing of the kind is known; None if it belongs to a head, to pretraining or an adapter.
    """
    name = stored
    while prefix := next((word for word in _PREFIXES if name.startswith(word)), ""):
        name = name.removeprefix(prefix)
    first, _, _ = name.partition(".")
    outside = first in _OUTSIDE or name in _XVECTOR_DENSE or _LANGUAGE_ADAPTER.match(name) or name.endswith(_COUNTER)
    return None if outside else _NEW_WEIGHT_NORM.get(name, name)


def weight_norm_naming(stored: list[str]) -> str:
    """How the positional convolution's weight normalisation is named: `old`, `new` or `none`."""
    if any(name.endswith(tuple(_NEW_WEIGHT_NORM)) for name in stored):
        return "old"
    return "new" if any(name.endswith(tuple(_NEW_WEIGHT_NORM.values())) for name in stored) else "none"
