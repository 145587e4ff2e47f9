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
        The variables by name; those of adapters (LoRA) have none. Kernels have the layout of Keras.
    """
    names: dict[str, keras.Variable] = {MASK_EMBEDDING: backbone.masking.mask_embedding}
    encoder = backbone.feature_encoder
    for index, convolution in enumerate(encoder.convolutions):
        prefix = f"feature_extractor.conv_layers.{index}"
        names |= _weight_and_bias(f"{prefix}.conv", convolution)
        if index < len(encoder.norms):
            names |= _norm(f"{prefix}.layer_norm", encoder.norms[index])
    projection = backbone.feature_projection
    if projection.layer_norm is not None:
        names |= _norm("feature_projection.layer_norm", projection.layer_norm)
    names |= _weight_and_bias("feature_projection.projection", projection.projection)
    positional = backbone.encoder.positional_convolution
    if positional.folded:
        names[PLAIN_KERNEL] = positional.kernel
    else:
        names |= {LENGTH: positional.weight_g, DIRECTION: positional.weight_v}
    names[f"{POSITIONAL}.bias"] = positional.bias
    names |= _norm("encoder.layer_norm", backbone.encoder.layer_norm)
    for index, layer in enumerate(backbone.encoder_layers):
        prefix = f"encoder.layers.{index}"
        attention = layer.attention
        names |= _weight_and_bias(f"{prefix}.attention.q_proj", attention.query)
        names |= _weight_and_bias(f"{prefix}.attention.k_proj", attention.key)
        names |= _weight_and_bias(f"{prefix}.attention.v_proj", attention.value)
        names |= _weight_and_bias(f"{prefix}.attention.out_proj", attention.output_projection)
        names |= _norm(f"{prefix}.layer_norm", layer.layer_norm)
        names |= _weight_and_bias(f"{prefix}.feed_forward.intermediate_dense", layer.intermediate_dense)
        names |= _weight_and_bias(f"{prefix}.feed_forward.output_dense", layer.output_dense)
        names |= _norm(f"{prefix}.final_layer_norm", layer.final_layer_norm)
    return names


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
    """All weights in the layout of PyTorch, as `load_state` takes them.

    Args:
        backbone: The network.

    Returns:
        An array for each name of `state_names`, with adapters (LoRA) merged into the kernels they adapt.
    """
    merged: dict[str, Any] = dict(state_names(backbone))
    for index, layer in enumerate(backbone.encoder_layers):
        prefix = f"encoder.layers.{index}"
        for name, dense in (
            ("attention.q_proj", layer.attention.query),
            ("attention.k_proj", layer.attention.key),
            ("attention.v_proj", layer.attention.value),
            ("attention.out_proj", layer.attention.output_projection),
            ("feed_forward.intermediate_dense", layer.intermediate_dense),
            ("feed_forward.output_dense", layer.output_dense),
        ):
            # The property adds the adapter's product; the variable behind it does not.
            merged[f"{prefix}.{name}.weight"] = dense.kernel
    return {name: np.ascontiguousarray(np.transpose(ops.convert_to_numpy(value))) for name, value in merged.items()}


def _weight_and_bias(name: str, layer: Any) -> dict[str, keras.Variable]:
    # `kernel` would be the sum with an adapter's product, which is no variable.
    names = {f"{name}.weight": layer._kernel}
    if layer.bias is not None:
        names[f"{name}.bias"] = layer.bias
    return names


def _norm(name: str, layer: Any) -> dict[str, keras.Variable]:
    return {f"{name}.weight": layer.gamma, f"{name}.bias": layer.beta}


def _some(names: list[str]) -> str:
    """The first few names, and the number of the others."""
    rest = len(names) - NAMED_IN_ERRORS
    return ", ".join(names[:NAMED_IN_ERRORS]) + (f" and {rest} more" if rest > 0 else "")
