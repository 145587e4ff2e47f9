"""The moving average of a model's weights in the place of the weights themselves, for as long as it is asked.

The average forgets the noise of the last steps (Polyak and Juditsky 1992, SIAM Journal on Control and Optimization 30);
batch norms keep moving statistics anyway.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import ops


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Within, the model has averaged weights; afterwards its own again. Without an average nothing happens.

    Args:
        model: Compiled with a `LayerwiseAdamW`; for float16, Keras has wrapped it in one that scales the loss.
    """
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    averages = (model.optimizer.inner_optimizer if scaled else model.optimizer).averages
    weights = model.trainable_variables if averages else []
    own = [ops.convert_to_numpy(weight) for weight in weights]
    for weight, average in zip(weights, averages, strict=True):
        weight.assign(average)
    try:
        yield
    finally:
        for weight, value in zip(weights, own, strict=True):
            weight.assign(value)
