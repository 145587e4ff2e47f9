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
        rate: The share of the entries that become zero, on TensorFlow at most 255/256; the others grow by
            1 / (1 - rate).
        drawn: What `SeedGenerator.next()` gave, or None for no dropout.

    Returns:
        A tensor like `inputs`.
    """
    if drawn is None or rate == 0:
        return inputs
    if keras.backend.backend() == "tensorflow":
        return inputs * kept_units(ops.shape(inputs), rate, drawn, inputs.dtype)
    return keras.random.dropout(inputs, rate, seed=DrawnSeed(drawn))


def kept_units(shape, rate: float, drawn, dtype, value: float = 1.0):
    """0, or `value` / (1 - rate), for each entry, on TensorFlow.

    Drawing is most of the work of dropout on a processor. Keras draws 32 random bits for each entry; eight take a
    quarter of the time. A share of the entries that is no multiple of 1/256 is met by drawing, once for all entries,
    between the two multiples that it lies between: each entry is dropped with just the probability that was asked for.

    Args:
        shape: Of the tensor, numbers or a tensor of them.
        rate: See `drop`.
        drawn: A seed.
        dtype: Of the tensor.
        value: What stays of a one.

    Returns:
        A tensor of that shape.
    """
    import tensorflow as tf

    rate = min(rate, 255 / 256)
    count = tf.reduce_prod(shape)
    # Words of four bytes each, and a last one for the threshold.
    words = tf.random.stateless_uniform(
        [(count + 3) // 4 + 1], seed=tf.cast(drawn, tf.int32), minval=None, maxval=None, dtype=tf.uint32
    )
    lower, beyond = divmod(256 * rate, 1)
    higher = words[-1] < tf.constant(round(beyond * (2**32 - 1)), tf.uint32)
    threshold = tf.constant(int(lower), tf.uint8) + tf.cast(higher, tf.uint8)
    drawn_bytes = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:count], shape)
    return tf.cast(drawn_bytes >= threshold, dtype) * tf.cast(value / (1 - rate), dtype)
