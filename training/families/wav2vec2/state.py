"""Weights of published PyTorch checkpoints: their names, and how they are read into the network and written."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from training.families.transformer.state import as_arrays, assign, layer_parts, weights_of
from training.families.wav2vec2.backbone import Wav2Vec2Backbone

MASK_EMBEDDING = "masked_spec_embed"
POSITIONAL = "encoder.pos_conv_embed.conv"
LENGTH = f"{POSITIONAL}.parametrizations.weight.original0"
DIRECTION = f"{POSITIONAL}.parametrizations.weight.original1"
PLAIN_KERNEL = f"{POSITIONAL}.weight"

_DISTANCES = "encoder.layers.0.attention.rel_attn_embed.weight"
"""The numbers for distances between frames, which the first layer holds for all."""

_LAYER_PARTS = {
    "query": "attention.q_proj",
    "key": "attention.k_proj",
    "value": "attention.v_proj",
    "output": "attention.out_proj",
    "attention_norm": "layer_norm",
    "wide": "feed_forward.intermediate_dense",
    "narrow": "feed_forward.output_dense",
    "feed_forward_norm": "final_layer_norm",
}


def state_names(backbone: Wav2Vec2Backbone) -> dict[str, keras.Variable]:
    """Every variable of the network, by its name in PyTorch checkpoints.

    Args:
        backbone: The network.

    Returns:
        The variables by name, without those of adapters (LoRA). Kernels have the layout of Keras.
    """
    # `kernel` would be the sum with the product of an adapter, which is not a variable.
    return _tensors(backbone, "_kernel")


def load_state(backbone: Wav2Vec2Backbone, arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Set every variable to its tensor in a checkpoint. Nothing is assigned if one tensor does not fit.

    Args:
        backbone: The network to fill. A folded one takes the two factors of the positional kernel, or the kernel.
        arrays: Tensors in the layout of PyTorch, by the names of `state_names`. The mask embedding may be absent
            (checkpoints fine-tuned without masking have none) and then keeps its random value.
        source: Where the arrays came from, for the error.

    Raises:
        UserError: A tensor is missing, unknown, or of another shape.
    """
    arrays = dict(arrays)
    variables = state_names(backbone)
    if PLAIN_KERNEL in variables and LENGTH in arrays and DIRECTION in arrays:
        direction = np.asarray(arrays.pop(DIRECTION), "float32")
        length = np.asarray(arrays.pop(LENGTH), "float32")
        arrays[PLAIN_KERNEL] = direction * (length / np.sqrt(np.sum(direction**2, axis=(0, 1), keepdims=True)))
    assign(variables, arrays, source, "a wav2vec 2.0, HuBERT or WavLM model", optional=(MASK_EMBEDDING,))


def state_arrays(backbone: Wav2Vec2Backbone) -> dict[str, np.ndarray]:
    """All weights in the layout of PyTorch, for `load_state`.

    Args:
        backbone: The network.

    Returns:
        An array for each name of `state_names`, with adapters (LoRA) merged into the kernels they adapt.
    """
    return as_arrays(_tensors(backbone, "kernel"))


def _tensors(backbone: Wav2Vec2Backbone, kernel: str) -> dict[str, Any]:
    """Weights by their names in PyTorch checkpoints; `kernel` is the attribute of layers that has their kernel."""
    positional = backbone.encoder.positional_convolution
    factors = {LENGTH: positional.weight_g, DIRECTION: positional.weight_v} if not positional.folded else {}
    folded = {PLAIN_KERNEL: positional.kernel} if positional.folded else {}
    relative = backbone.encoder.relative_positions
    distances = {} if relative is None else {_DISTANCES: relative.values}
    gates = {
        f"encoder.layers.{index}.attention.gru_rel_pos_const": layer.attention.gate.scale
        for index, layer in enumerate(backbone.encoder_layers)
        if layer.attention.gate is not None
    }
    return {
        **distances,
        **gates,
        MASK_EMBEDDING: backbone.masking.mask_embedding,
        **factors,
        **folded,
        f"{POSITIONAL}.bias": positional.bias,
        **weights_of(_layers(backbone), kernel),
    }


def _layers(backbone: Wav2Vec2Backbone) -> dict[str, Any]:
    """The layers that have a kernel or a norm, by their names in PyTorch checkpoints."""
    encoder, projection = backbone.feature_encoder, backbone.feature_projection
    layers: dict[str, Any] = {}
    for index, convolution in enumerate(encoder.convolutions):
        layers[f"feature_extractor.conv_layers.{index}.conv"] = convolution
        if index < len(encoder.norms):
            layers[f"feature_extractor.conv_layers.{index}.layer_norm"] = encoder.norms[index]
    if projection.layer_norm is not None:
        layers["feature_projection.layer_norm"] = projection.layer_norm
    layers["feature_projection.projection"] = projection.projection
    layers["encoder.layer_norm"] = backbone.encoder.layer_norm
    for index, layer in enumerate(backbone.encoder_layers):
        layers |= layer_parts(layer, _LAYER_PARTS, f"encoder.layers.{index}.")
        if layer.attention.gate is not None:
            layers[f"encoder.layers.{index}.attention.gru_rel_pos_linear"] = layer.attention.gate.projection
    return layers
