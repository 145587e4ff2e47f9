"""Folding batch norms into the convolutions before them, for inference."""

import keras
import numpy as np
from keras import layers, ops

from training.layers.convolution import fits_bfloat16


def fold_batch_norms(network: keras.Model, dtype: str = "float32") -> keras.Model:
    """A network with the same outputs but without batch norms.

    At inference, a norm is a factor and a summand for each channel. The kernel of the convolution takes the factor and
    its bias the summand. A CPU then computes convolution, bias and ReLU as one operation.

    Args:
        network: A functional model with one input. Each norm must directly follow a convolution without bias that has
            no other reader. It is not changed.
        dtype: Type of the 1 x 1 convolutions, their biases and ReLUs. Narrow ones (see `fits_bfloat16`) stay float32,
            as do depthwise convolutions, which are slower in bfloat16.

    Returns:
        A network with the same inputs and outputs, and copies of the weights.

    Raises:
        ValueError: If a norm follows another layer.
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
    """The same classifier, without batch norms in its layer `backbone`.

    Args:
        model: A model from `head.classify_windows`. It is not changed.
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
    # Norms are called with `mask=None`, an argument that the layers in their place do not have.
    return layer(*args, **kwargs)


def _kernel_and_bias(
    convolution: keras.layers.Layer, norm: keras.layers.BatchNormalization
) -> tuple[np.ndarray, np.ndarray]:
    # In float64, so that the results are rounded only once.
    gamma, beta, mean, variance = (
        ops.convert_to_numpy(weight).astype(np.float64)
        for weight in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    factor = gamma / np.sqrt(variance + norm.epsilon)
    (kernel,) = convolution.get_weights()
    # The last axis of a kernel is the output channels, except in depthwise kernels, [height, width, channels, 1].
    shape = (-1, 1) if isinstance(convolution, layers.DepthwiseConv2D) else (-1,)
    return kernel * factor.reshape(shape), beta - mean * factor
