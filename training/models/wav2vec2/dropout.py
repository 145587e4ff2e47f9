import keras
from keras import ops


class DrawnSeed(keras.random.SeedGenerator):
    """A seed that was drawn before: whoever asks gets the same one, so a recomputed layer drops the same units."""

    def __init__(self, drawn):
        # No state of its own, so the parent's variables are not made.
        self.drawn = drawn
        # Keras on torch looks here whether a seed was asked for at all; None would be its own random stream.
        self._initial_seed = 0

    def next(self, ordered=True):  # noqa: ARG002 - Keras passes it
        """The seed drawn before."""
        return self.drawn


def drop(inputs, rate: float, drawn):
    """Dropout with a seed that was drawn outside.

    Args:
        inputs: Any tensor.
        rate: The share of the entries that become zero, on TensorFlow to the nearest 1/65,536; the others grow by
            1 / (1 - rate).
        drawn: What `SeedGenerator.next()` gave, or None for no dropout.

    Returns:
        A tensor like `inputs`.
    """
    if drawn is None or rate == 0:
        return inputs
    if keras.backend.backend() == "tensorflow":
        return inputs * _mask(inputs, rate, drawn)
    return keras.random.dropout(inputs, rate, seed=DrawnSeed(drawn))


def _mask(inputs, rate: float, drawn):
    """0 or 1 / (1 - rate) for each entry.

    Drawing is most of the work of dropout on a processor. Keras draws 32 random bits for each entry; sixteen are
    enough, and take half the time.
    """
    import tensorflow as tf

    count = ops.size(inputs)
    drawn_bits = tf.random.stateless_uniform(
        [(count + 1) // 2], seed=tf.cast(drawn, tf.int32), minval=None, maxval=None, dtype=tf.uint32
    )
    sixteen = tf.reshape(tf.bitcast(drawn_bits, tf.uint16), [-1])[:count]
    kept = tf.reshape(sixteen, tf.shape(inputs)) >= tf.constant(min(round(65_536 * rate), 65_535), tf.uint16)
    return tf.cast(kept, inputs.dtype) * tf.cast(1 / (1 - rate), inputs.dtype)
