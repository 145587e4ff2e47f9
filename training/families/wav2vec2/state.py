"""Weights of published PyTorch checkpoints: their names, and how they are read into the network and written."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from data_pipeline.errors import UserError
from training.families.wav2vec2.backbone import Wav2Vec2Backbone

MASK_EMBEDDING = "masked_spec_embed"
POSITIONAL = "encoder.pos_conv_embed.conv"
LENGTH = f"{POSITIONAL}.parametrizations.weight.original0"
DIRECTION = f"{POSITIONAL}.parametrizations.weight.original1"
PLAIN_KERNEL = f"{POSITIONAL}.weight"
NAMED_IN_ERRORS = 3


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
    missing = [name for name in variables if name not in arrays and name != MASK_EMBEDDING]
    if missing:
        raise UserError(
            f"{source} lacks {_some(missing)}; use a checkpoint of a wav2vec 2.0 or HuBERT model that fits its config."
        )
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


def state_arrays(backbone: Wav2Vec2Backbone) -> dict[str, np.ndarray]:
    """All weights in the layout of PyTorch, for `load_state`.

    Args:
        backbone: The network.

    Returns:
        An array for each name of `state_names`, with adapters (LoRA) merged into the kernels they adapt.
    """
    tensors = _tensors(backbone, "kernel")
    return {name: np.ascontiguousarray(np.transpose(ops.convert_to_numpy(value))) for name, value in tensors.items()}


def _tensors(backbone: Wav2Vec2Backbone, kernel: str) -> dict[str, Any]:
    """Weights by their names in PyTorch checkpoints; `kernel` is the attribute of layers that has their kernel."""
    positional = backbone.encoder.positional_convolution
    tensors: dict[str, Any] = {MASK_EMBEDDING: backbone.masking.mask_embedding}
    for name, layer in _layers(backbone).items():
        if layer is positional:
            factors = {LENGTH: "weight_g", DIRECTION: "weight_v"}
            weights = {PLAIN_KERNEL: "kernel"} if positional.folded else factors
        elif hasattr(layer, "gamma"):
            weights = {f"{name}.weight": "gamma", f"{name}.bias": "beta"}
        else:
            weights = {f"{name}.weight": kernel}
        if getattr(layer, "bias", None) is not None:
            weights[f"{name}.bias"] = "bias"
        tensors |= {key: getattr(layer, attribute) for key, attribute in weights.items()}
    return tensors


def _layers(backbone: Wav2Vec2Backbone) -> dict[str, Any]:
    """The layers that have weights, by their names in PyTorch checkpoints."""
    encoder, projection = backbone.feature_encoder, backbone.feature_projection
    layers: dict[str, Any] = {}
    for index, convolution in enumerate(encoder.convolutions):
        layers[f"feature_extractor.conv_layers.{index}.conv"] = convolution
        if index < len(encoder.norms):
            layers[f"feature_extractor.conv_layers.{index}.layer_norm"] = encoder.norms[index]
    if projection.layer_norm is not None:
        layers["feature_projection.layer_norm"] = projection.layer_norm
    layers["feature_projection.projection"] = projection.projection
    layers[POSITIONAL] = backbone.encoder.positional_convolution
    layers["encoder.layer_norm"] = backbone.encoder.layer_norm
    for index, layer in enumerate(backbone.encoder_layers):
        parts = {
            "attention.q_proj": layer.attention.query,
            "attention.k_proj": layer.attention.key,
            "attention.v_proj": layer.attention.value,
            "attention.out_proj": layer.attention.output_projection,
            "layer_norm": layer.layer_norm,
            "feed_forward.intermediate_dense": layer.intermediate_dense,
            "feed_forward.output_dense": layer.output_dense,
            "final_layer_norm": layer.final_layer_norm,
        }
        layers |= {f"encoder.layers.{index}.{name}": part for name, part in parts.items()}
    return layers


def _some(names: list[str]) -> str:
    """The first few names, and the number of the others."""
    rest = len(names) - NAMED_IN_ERRORS
    return ", ".join(names[:NAMED_IN_ERRORS]) + (f" and {rest} more" if rest > 0 else "")
