"""Standard scores of a clip's features, by the mean and the deviation over training clips."""

from collections.abc import Iterable

import keras
import numpy as np
from keras import layers, ops

_BOUND = 5.0
"""Standard scores are clipped to ±5, so that no outlier decides a clip."""

_LEAST_DEVIATION = 1e-4
"""Smallest deviation of a feature over clips: ten times that of rounding, far below that of speech."""


@keras.saving.register_keras_serializable("ser")
class StandardScores(layers.Layer):
    """Standard scores, clipped to ±5: values minus mean, divided by standard deviation; see `fit`."""

    def build(self, input_shape):
        """Create the variables that `fit` sets.

        Args:
            input_shape: [batch, values].
        """
        self.mean = self.add_weight(shape=input_shape[1:], initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(shape=input_shape[1:], initializer="ones", trainable=False, name="deviation")

    def call(self, values):
        """Standardise float32 [batch, values]."""
        return ops.clip((values - self.mean) / self.deviation, -_BOUND, _BOUND)

    def fit(self, batches: Iterable[np.ndarray]) -> None:
        """Set mean and deviation to those of some clips.

        Args:
            batches: float [clips, values], one or more such arrays; a few hundred clips are enough.

        Raises:
            ValueError: If there are no batches.
        """
        clips, total, squares = 0, np.zeros(()), np.zeros(())
        shift = None
        for batch in batches:
            values = np.asarray(batch, np.float64)
            # Around the first mean, since sums of squares of large values lose their digits.
            shift = values.mean(axis=0) if shift is None else shift
            clips += len(values)
            total = total + (values - shift).sum(axis=0)
            squares = squares + np.square(values - shift).sum(axis=0)
        if shift is None:
            raise ValueError("StandardScores.fit needs at least one batch. Received: none")
        mean = total / clips
        deviation = np.sqrt(np.maximum(squares / clips - np.square(mean), 0))
        self.mean.assign(shift + mean)
        # A feature that is constant in the data carries no information. It must not be amplified where it varies later.
        self.deviation.assign(np.where(deviation > _LEAST_DEVIATION, deviation, 1.0))
