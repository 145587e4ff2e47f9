"""Pooling of a clip's frames to one vector, which does not depend on the frames after the clip's end."""

import keras
from keras import ops

_HIDDEN = 128
_SMALLEST_VARIANCE = 1e-6


@keras.saving.register_keras_serializable("ser")
class MeanPooling(keras.layers.Layer):
    """The mean of the valid frames."""

    def build(self, input_shape=None):
        """Create nothing: this layer has no weights."""

    def call(self, frames, valid):
        """Pool frames.

        Args:
            frames: [batch, frames, size].
            valid: bool [batch, frames].

        Returns:
            float32 [batch, size], zeros for a clip without valid frames.
        """
        inside = ops.cast(valid, "float32")[:, :, None]
        return ops.sum(ops.cast(frames, "float32") * inside, axis=1) / ops.maximum(ops.sum(inside, axis=1), 1.0)


@keras.saving.register_keras_serializable("ser")
class AttentiveStatisticsPooling(keras.layers.Layer):
    """Mean and standard deviation of the valid frames, weighted by learned attention.

    Okabe, Koshinaka and Shinoda 2018, arXiv:1803.10963, section 3. The layer computes in float32 under any policy,
    because a variance of 16-bit numbers would consist of rounding errors.
    """

    def build(self, input_shape):
        """Create the weights of the attention.

        Args:
            input_shape: [batch, frames, size].
        """
        size = input_shape[-1]
        self.hidden = keras.layers.Dense(_HIDDEN, activation="tanh", dtype="float32", name="hidden")
        self.score = keras.layers.Dense(1, use_bias=False, dtype="float32", name="score")
        self.hidden.build((None, None, size))
        self.score.build((None, None, _HIDDEN))

    def call(self, frames, valid):
        """Pool frames.

        Args:
            frames: [batch, frames, size].
            valid: bool [batch, frames].

        Returns:
            float32 [batch, 2 x size]: means, then standard deviations.
        """
        frames = ops.cast(frames, "float32")
        inside = ops.cast(valid, "float32")[:, :, None]
        scores = ops.where(valid[:, :, None], self.score(self.hidden(frames)), -1e9)
        weights = ops.softmax(scores, axis=1) * inside
        mean = ops.sum(weights * frames, axis=1)
        # Not as a difference of squares, which loses its digits if the frames are similar.
        variance = ops.sum(weights * ops.square(frames - mean[:, None, :]), axis=1)
        return ops.concatenate([mean, ops.sqrt(ops.maximum(variance, _SMALLEST_VARIANCE))], axis=1)
