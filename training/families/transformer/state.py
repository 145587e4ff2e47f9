"""Tensors of published PyTorch checkpoints, read into the variables of a network, all or none."""

from collections.abc import Collection, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from data_pipeline.errors import UserError
from training.families.transformer.layer import TransformerLayer

_NAMED_IN_ERRORS = 3


def weights_of(layers: Mapping[str, Any], kernel: str) -> dict[str, Any]:
    """Weights by the names of their tensors.

    Args:
        layers: Layers with `kernel` and `bias`, or `gamma` and `beta`, by their names in PyTorch checkpoints.
        kernel: The attribute that has the kernel: `_kernel` for the variable, `kernel` for its sum with the product of
            an adapter (LoRA).
    """
    tensors: dict[str, Any] = {}
    for name, layer in layers.items():
        weights = (
            {f"{name}.weight": "gamma", f"{name}.bias": "beta"}
            if hasattr(layer, "gamma")
            else {f"{name}.weight": kernel}
        )
        if getattr(layer, "bias", None) is not None:
            weights[f"{name}.bias"] = "bias"
        tensors |= {key: getattr(layer, attribute) for key, attribute in weights.items()}
    return tensors


def layer_parts(layer: TransformerLayer, names: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """The parts of a transformer layer, by their names in PyTorch checkpoints.

    Args:
        layer: The layer.
        names: The name of each part in a checkpoint, by our name: `query`, `key`, `value`, `output`, `attention_norm`,
            `wide`, `narrow`, `feed_forward_norm`.
        prefix: What comes before these names.
    """
    parts = {
        "query": layer.attention.query,
        "key": layer.attention.key,
        "value": layer.attention.value,
        "output": layer.attention.output_projection,
        "attention_norm": layer.layer_norm,
        "wide": layer.intermediate_dense,
        "narrow": layer.output_dense,
        "feed_forward_norm": layer.final_layer_norm,
    }
    return {f"{prefix}{names[name]}": part for name, part in parts.items()}


def assign(
    variables: Mapping[str, keras.Variable],
    arrays: Mapping[str, np.ndarray],
    source: str,
    kind: str,
    optional: Collection[str] = (),
) -> None:
    """Set every variable to its tensor. Nothing is assigned if one tensor does not fit.

    Args:
        variables: The variables by the names of their tensors, with kernels in the layout of Keras.
        arrays: Tensors in the layout of PyTorch.
        source: Where the arrays came from, for the error.
        kind: What the checkpoint should be of, for the error (`a Whisper model`).
        optional: Names that may be absent. Their variables keep their values.

    Raises:
        UserError: If a tensor is missing, unknown, or of another shape.
    """
    missing = [name for name in variables if name not in arrays and name not in optional]
    if missing:
        raise UserError(f"{source} lacks {_some(missing)}; use a checkpoint of {kind} that fits its config.")
    unexpected = [name for name in arrays if name not in variables]
    if unexpected:
        raise UserError(
            f"{source} holds {_some(unexpected)} that the network does not have; use a checkpoint that fits its config."
        )
    wrong = [
        f"{name} {list(np.shape(arrays[name]))} instead of {list(reversed(variable.shape))}"
        for name, variable in variables.items()
        if name in arrays and tuple(np.shape(arrays[name])) != tuple(reversed(variable.shape))
    ]
    if wrong:
        raise UserError(
            f"{source} has tensors of another shape: {_some(wrong)}; use a checkpoint that fits its config."
        )
    for name, variable in variables.items():
        if name in arrays:
            variable.assign(np.transpose(np.asarray(arrays[name])))


def as_arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Weights in the layout of PyTorch, for `assign`.

    Args:
        tensors: From `weights_of`, with the attribute `kernel`.
    """
    return {name: np.ascontiguousarray(np.transpose(ops.convert_to_numpy(value))) for name, value in tensors.items()}


def _some(names: list[str]) -> str:
    """The first few names, and the number of the others."""
    rest = len(names) - _NAMED_IN_ERRORS
    return ", ".join(names[:_NAMED_IN_ERRORS]) + (f" and {rest} more" if rest > 0 else "")
