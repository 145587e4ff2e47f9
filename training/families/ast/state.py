"""Weights of published checkpoints: their names, and how they are read into the network and written."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from training.families.ast.backbone import AstBackbone
from training.families.transformer.state import as_arrays, assign, layer_parts, weights_of

_LAYER_PARTS = {
    "query": "attention.q_proj",
    "key": "attention.k_proj",
    "value": "attention.v_proj",
    "output": "attention.o_proj",
    "attention_norm": "layernorm_before",
    "wide": "mlp.fc1",
    "narrow": "mlp.fc2",
    "feed_forward_norm": "layernorm_after",
}


def state_names(backbone: AstBackbone) -> dict[str, keras.Variable]:
    """Every variable of the network, by its name in PyTorch checkpoints of transformers 5.

    Args:
        backbone: The network.

    Returns:
        The variables by name, without those of adapters (LoRA). Kernels have the layout of Keras.
    """
    return {**weights_of(_layers(backbone), "_kernel"), **_tables(backbone)}


def load_state(backbone: AstBackbone, arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Set every variable to its tensor in a checkpoint. Nothing is assigned if one tensor does not fit.

    Args:
        backbone: The network to fill.
        arrays: Tensors in the layout of PyTorch, by the names of `state_names`.
        source: Where the arrays came from, for the error.

    Raises:
        UserError: A tensor is missing, unknown, or of another shape.
    """
    # Tables are no kernels, and therefore not transposed.
    plain = _tables(backbone)
    arrays = {name: np.transpose(array) if name in plain else array for name, array in arrays.items()}
    assign(state_names(backbone), arrays, source, "an Audio Spectrogram Transformer")


def state_arrays(backbone: AstBackbone) -> dict[str, np.ndarray]:
    """All weights in the layout of PyTorch, for `load_state`.

    Args:
        backbone: The network.

    Returns:
        An array for each name of `state_names`, with adapters (LoRA) merged into the kernels they adapt.
    """
    plain = _tables(backbone)
    arrays = as_arrays({**weights_of(_layers(backbone), "kernel"), **plain})
    return {
        name: np.ascontiguousarray(np.transpose(array)) if name in plain else array for name, array in arrays.items()
    }


def _tables(backbone: AstBackbone) -> dict[str, keras.Variable]:
    return {
        "embeddings.cls_token": backbone.patches.class_token,
        "embeddings.distillation_token": backbone.patches.distillation_token,
        "embeddings.position_embeddings": backbone.patches.positions,
    }


def _layers(backbone: AstBackbone) -> dict[str, Any]:
    """The layers that have a kernel or a norm, by their names in PyTorch checkpoints."""
    layers: dict[str, Any] = {
        "embeddings.patch_embeddings.projection": backbone.patches.projection,
        "layernorm": backbone.stack_norm,
    }
    for index, layer in enumerate(backbone.encoder_layers):
        layers |= layer_parts(layer, _LAYER_PARTS, f"layers.{index}.")
    return layers
