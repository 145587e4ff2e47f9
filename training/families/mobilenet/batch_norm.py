"""Batch norms of a pretrained network, made to fit the data that it will be fine-tuned on.

A network trained on all of AudioSet hears little variety in speech alone: its deeper channels hardly vary, and a norm
that divides by their spread in the batch destroys what they say. `recalibrate` gives each norm the mean and the spread
that its input really has, and changes gamma and beta so that the network's answers stay the same. Then the norm of a
training batch does nearly what the norm at inference does, and all layers can be trained.
"""

import keras
import numpy as np


def recalibrate(network: keras.Model, batches) -> int:
    """Set the moving statistics of every batch norm to those of its input, without changing what the network does.

    Args:
        network: A functional model of one input. Changed in place.
        batches: Iterable of its inputs [batch, ...]; a few thousand clips are plenty.

    Returns:
        How many norms were set.

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
