"""Weights of published Whisper checkpoints: their names, and how they are read into the encoder and written."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from training.families.transformer.state import as_arrays, assign, layer_parts, weights_of
from training.families.whisper.backbone import WhisperBackbone

_POSITIONS = "embed_positions.weight"

_LAYER_PARTS = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.out_proj",
    "attention_norm": "self_attn_layer_norm",
    "wide": "fc1",
    "narrow": "fc2",
    "feed_forward_norm": "final_layer_norm",
}


def state_names(backbone: WhisperBackbone) -> dict[str, keras.Variable]:
    """Every variable of the network, by its name in PyTorch checkpoints, without `model.encoder.`.

    Args:
        backbone: The network.

    Returns:
        The variables by name, without those of adapters (LoRA). Kernels have the layout of Keras.
    """
    tensors = weights_of(_layers(backbone), "_kernel")
    return {**tensors, _POSITIONS: backbone.stem.positions}


def load_state(backbone: WhisperBackbone, arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Set every variable to its tensor in a checkpoint. Nothing is assigned if one tensor does not fit.

    Args:
        backbone: The network to fill.
        arrays: Tensors in the layout of PyTorch, by the names of `state_names`.
        source: Where the arrays came from, for the error.

    Raises:
        UserError: A tensor is missing, unknown, or of another shape.
    """
    # The one tensor that is no kernel, and therefore not transposed.
    arrays = {name: np.transpose(array) if name == _POSITIONS else array for name, array in arrays.items()}
    assign(state_names(backbone), arrays, source, "a Whisper model")


def state_arrays(backbone: WhisperBackbone) -> dict[str, np.ndarray]:
    """All weights in the layout of PyTorch, for `load_state`.

    Args:
        backbone: The network.

    Returns:
        An array for each name of `state_names`, with adapters (LoRA) merged into the kernels they adapt.
    """
    arrays = as_arrays({**weights_of(_layers(backbone), "kernel"), _POSITIONS: backbone.stem.positions})
    return {**arrays, _POSITIONS: np.ascontiguousarray(np.transpose(arrays[_POSITIONS]))}


def _layers(backbone: WhisperBackbone) -> dict[str, Any]:
    """The layers that have a kernel or a norm, by their names in PyTorch checkpoints."""
    layers: dict[str, Any] = {
        "conv1": backbone.stem.first,
        "conv2": backbone.stem.second,
        "layer_norm": backbone.stack_norm,
    }
    for index, layer in enumerate(backbone.encoder_layers):
        layers |= layer_parts(layer, _LAYER_PARTS, f"layers.{index}.")
    return layers
