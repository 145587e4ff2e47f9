"""Fine-tuning of a MobileNet: which layers learn, how fast, and batch norms that fit the new data.

A network trained on all of AudioSet receives little variety from speech alone: its deeper channels hardly vary, and a
norm that divides by their standard deviation in the batch destroys their information. `recalibrate` gives each norm the
mean and the standard deviation that its input really has, and changes gamma and beta so that the outputs of the network
stay the same. Then the norm of a training batch does nearly what the norm at inference does, and all layers can be
trained.
"""

from collections.abc import Iterable

import keras
import numpy as np

from training.families.family import LearningRates
from training.families.mobilenet.network import BLOCKS, block
from training.families.mobilenet.recipe import MobileNetRecipe

_LAST_BLOCK = ("layer14_", "conv_dw_13", "conv_pw_13")


def freeze(model: keras.Model, unfreeze: str) -> None:
    """Set which layers of the body learn. The norms of frozen layers keep their statistics.

    Args:
        model: Made by `network.build`. Changed in place.
        unfreeze: See `MobileNetRecipe`.
    """
    backbone = model.get_layer("backbone")
    backbone.trainable = unfreeze != "none"
    if unfreeze == "last":
        for layer in backbone.layers:
            layer.trainable = layer.name.startswith(_LAST_BLOCK)


def learning_rates(model: keras.Model, recipe: MobileNetRecipe) -> LearningRates:
    """How fast each weight learns, and when it starts.

    Args:
        model: Made by `network.build` and frozen.
        recipe: Its `layer_decay`, `head_scale` and `unfreeze_epochs` count.
    """
    blocks = {id(weight): block(layer.name) for layer in model.get_layer("backbone").layers for weight in layer.weights}
    scales, delays = [], []
    for weight in model.trainable_variables:
        below = BLOCKS - blocks[id(weight)] if id(weight) in blocks else 0
        scales.append(recipe.layer_decay ** (below - 1) if below else recipe.head_scale)
        delays.append(recipe.unfreeze_epochs * below / BLOCKS)
    return LearningRates(scales, delays)


def recalibrate(network: keras.Model, batches: Iterable[np.ndarray]) -> int:
    """Set the moving statistics of every batch norm to those of its input, without changing the network's outputs.

    Args:
        network: A functional model of one input. Changed in place.
        batches: Inputs of the network [batch, ...]; a few thousand clips are enough.

    Returns:
        The number of norms.

    Raises:
        ValueError: If there are no batches.
    """
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    probe = keras.Model(network.inputs, [layer.input for layer in norms])
    sums = [np.zeros(layer.moving_mean.shape) for layer in norms]
    squares = [np.zeros(layer.moving_mean.shape) for layer in norms]
    counts = np.zeros(len(norms))
    for batch in batches:
        for index, values in enumerate(probe.predict_on_batch(batch)):
            flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
            sums[index] += flat.sum(0)
            squares[index] += (flat**2).sum(0)
            counts[index] += len(flat)
    if not counts.all():
        raise ValueError("recalibrate needs at least one batch. Received: none")
    for layer, total, square, count in zip(norms, sums, squares, counts, strict=True):
        mean = total / count
        variance = np.maximum(square / count - mean**2, 0)
        _set_statistics(layer, mean, variance)
    return len(norms)


def _set_statistics(layer: keras.layers.BatchNormalization, mean: np.ndarray, variance: np.ndarray) -> None:
    gamma, beta, old_mean, old_variance = (
        keras.ops.convert_to_numpy(variable)
        for variable in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    )
    old_spread = np.sqrt(old_variance + layer.epsilon)
    scale = gamma / old_spread
    layer.gamma.assign(scale * np.sqrt(variance + layer.epsilon))
    layer.beta.assign(beta + scale * (mean - old_mean))
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)
