"""Mean and standard deviation over time of every layer's frames."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser")
class LayerStatistics(keras.layers.Layer):
    """Mean and standard deviation of a clip's frames, of every hidden state.

    Each layer of a speech model tells something else of a voice. The statistics of all of them need no learned weights,
    so that they can be computed once for a clip.
    """

    def build(self, input_shape=None):
        """Create nothing: this layer has no weights."""

    def call(self, states, valid):
        """Pool frames.

        Args:
            states: Arrays [batch, frames, size].
            valid: bool [batch, frames].

        Returns:
            float32 [batch, 2 x size x number of states]: the means of a state, then its standard deviations, one state
            after the other; zeros for a clip without valid frames.
        """
        inside = ops.cast(valid, "float32")[:, :, None]
        count = ops.maximum(ops.sum(inside, axis=1), 1.0)
        statistics = []
        for state in states:
            frames = ops.cast(state, "float32")
            mean = ops.sum(frames * inside, axis=1) / count
            # Not as a difference of squares, which loses its digits if the frames are similar.
            variance = ops.sum(ops.square(frames - mean[:, None, :]) * inside, axis=1) / count
            statistics += [mean, ops.sqrt(variance)]
        return ops.concatenate(statistics, axis=1)
