"""Batch norms that have become part of the convolutions before them, for inference."""

import keras
import numpy as np
from keras import layers, ops

from training.layers.convolution import fits_bfloat16


def fold_batch_norms(network: keras.Model, dtype: str = "float32") -> keras.Model:
    """A network that answers the same without its batch norms.

    At inference a norm is a factor and a summand for each channel. The convolution's kernel takes the factor and its
    bias the summand, and kernel, bias and ReLU are then one operation on a CPU.

    Args:
        network: Functional, of one input; each norm directly follows a convolution without bias that nothing else
            reads. Left as it is.
        dtype: Type of the 1 x 1 convolutions, their biases and ReLUs. Narrow ones (see `fits_bfloat16`) stay float32,
            as do depthwise convolutions, which are slower in bfloat16.

    Returns:
        A network with the same inputs and outputs, and copies of the weights.

    Raises:
        ValueError: If a norm follows something else.
    """
    norms: dict[str, keras.layers.BatchNormalization] = {}
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            convolution = layer.input._keras_history.operation
            if not isinstance(convolution, (layers.Conv2D, layers.DepthwiseConv2D)) or convolution.use_bias:
                raise ValueError(f"a norm must follow a convolution without bias. Received: {convolution.name}")
            norms[convolution.name] = layer

    def without_norm(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = dtype if _can_be_bfloat16(layer) else "float32"
        if isinstance(layer, layers.BatchNormalization):
            return layers.Identity(name=layer.name, dtype=kind)
        config = {**layer.get_config(), "dtype": kind}
        return type(layer).from_config({**config, "use_bias": True} if layer.name in norms else config)

    folded = keras.models.clone_model(network, clone_function=without_norm, call_function=_call_without_mask)
    for layer in network.layers:
        if layer.name in norms:
            folded.get_layer(layer.name).set_weights(_kernel_and_bias(layer, norms[layer.name]))
        elif layer.weights and not isinstance(layer, layers.BatchNormalization):
            folded.get_layer(layer.name).set_weights(layer.get_weights())
    return folded


def fold_backbone(model: keras.Model, dtype: str = "float32") -> keras.Model:
    """The same classifier, its layer `backbone` without batch norms.

    Args:
        model: Made by `head.classify_windows`. Left as it is.
        dtype: See `fold_batch_norms`.
    """
    backbone = fold_batch_norms(model.get_layer("backbone"), dtype)

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        return backbone if layer.name == "backbone" else type(layer).from_config(layer.get_config())

    folded = keras.models.clone_model(model, clone_function=copied)
    for layer in model.layers:
        if layer.weights and layer.name != "backbone":
            folded.get_layer(layer.name).set_weights(layer.get_weights())
    return folded


def _can_be_bfloat16(layer: keras.layers.Layer) -> bool:
    """Whether a layer is a 1 x 1 convolution wide enough for bfloat16, or the norm or the ReLU that follows one."""
    while isinstance(layer, (layers.BatchNormalization, layers.ReLU)):
        layer = layer.input._keras_history.operation
    return isinstance(layer, layers.Conv2D) and layer.kernel_size == (1, 1) and fits_bfloat16(layer.kernel.shape)


def _call_without_mask(layer: keras.layers.Layer, *args, mask=None, **kwargs):  # noqa: ARG001
    # Norms are called with a mask of None, which what stands in their place does not know.
    return layer(*args, **kwargs)


def _kernel_and_bias(
    convolution: keras.layers.Layer, norm: keras.layers.BatchNormalization
) -> tuple[np.ndarray, np.ndarray]:
    # In double precision, so that nothing is rounded twice.
    gamma, beta, mean, variance = (
        ops.convert_to_numpy(weight).astype(np.float64)
        for weight in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    factor = gamma / np.sqrt(variance + norm.epsilon)
    (kernel,) = convolution.get_weights()
    # A depthwise kernel is [height, width, channels, 1], any other ends in the channels that come out.
    shape = (-1, 1) if isinstance(convolution, layers.DepthwiseConv2D) else (-1,)
    return kernel * factor.reshape(shape), beta - mean * factor
