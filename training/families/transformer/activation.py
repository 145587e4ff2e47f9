"""GELU and dropout, alone and as one operation, in fewer passes over memory than Keras's own."""

import math

import keras
from keras import ops


def activation_named(name: str):
    """The activation function with a name from a published configuration.

    Args:
        name: One of `shape.ACTIVATIONS`.

    Returns:
        A function of a tensor.
    """
    return _gelu if name == "gelu" else keras.activations.get(name)


def _gelu(inputs):
    """GELU, computed with the error function, in float32 or 16 bits.

    Keras uses the complementary error function, for which TensorFlow has no vector instructions on the CPU: it took a
    fifth of the time of a forward pass.
    """
    half = ops.cast(0.5, inputs.dtype)
    return half * inputs * (ops.cast(1.0, inputs.dtype) + ops.erf(inputs * ops.cast(0.5**0.5, inputs.dtype)))


def bare_gelu(inputs, learning: bool = False):
    """GELU without its two constants: `bare_gelu(x / sqrt(2))` is sqrt(2) times GELU(x).

    Linear layers before and after it can include the constants in their kernels. This saves two of five passes over
    memory.

    Args:
        inputs: A floating-point tensor of any shape.
        learning: Whether a gradient will be computed, on TensorFlow. If so, the derivative is computed together with
            the output, and only the derivative is kept.

    Returns:
        A tensor like `inputs`.
    """
    if not learning:
        return inputs * (ops.erf(inputs) + ops.cast(1.0, inputs.dtype))
    import tensorflow as tf

    @tf.custom_gradient
    def activate(inputs):
        doubled, slope = doubled_distribution_and_slope(inputs)
        return inputs * doubled, lambda upstream: upstream * slope

    return activate(inputs)


def doubled_distribution_and_slope(scaled):
    """Twice the cumulative normal distribution, and twice the derivative of GELU, which share most operations.

    Args:
        scaled: x / sqrt(2), a TensorFlow tensor.

    Returns:
        Twice the cumulative normal distribution at x (GELU is its product with x / 2), and twice the derivative of
        GELU at x, which is the derivative of `bare_gelu` at `scaled`.
    """
    import tensorflow as tf

    doubled = tf.math.erf(scaled) + tf.cast(1, scaled.dtype)
    return doubled, scaled * tf.exp(-tf.square(scaled)) * tf.cast(2 / math.pi**0.5, scaled.dtype) + doubled


def dropped_gelu(inputs, rate: float, drawn):
    """`drop(gelu(inputs), rate, drawn)` on TensorFlow, with fewer passes over memory and a third of the kept arrays.

    The derivative is computed together with the output, and only the derivative is kept for the gradient.

    Args:
        inputs: A floating-point tensor of any shape.
        rate: See `drop`.
        drawn: See `drop`.

    Returns:
        A tensor like `inputs`.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def activate(inputs):
        dtype = inputs.dtype
        doubled, slope = doubled_distribution_and_slope(inputs * tf.cast(0.5**0.5, dtype))
        answer = inputs * doubled
        dropping = drawn is not None and rate > 0
        half = kept_units(tf.shape(inputs), rate, drawn, dtype, 0.5) if dropping else tf.cast(0.5, dtype)
        slope = slope * half
        return answer * half, lambda upstream: upstream * slope

    return activate(keras.ops.convert_to_tensor(inputs))


class DrawnSeed(keras.random.SeedGenerator):
    """A seed generator that always returns one seed, so that a recomputed layer drops the same units."""

    def __init__(self, drawn):
        # The variables of the parent class are not created, because this generator has no state.
        self.drawn = drawn
        # On torch, Keras uses its own random stream if this attribute is None.
        self._initial_seed = 0

    def next(self, ordered=True):  # noqa: ARG002 - Keras passes it
        """The seed."""
        return self.drawn


def drop(inputs, rate: float, drawn):
    """Dropout with a seed that the caller has drawn.

    Args:
        inputs: A tensor of any shape.
        rate: Share of the entries that become zero, on TensorFlow at most 255/256. The others are multiplied by
            1 / (1 - rate).
        drawn: The seed, from `SeedGenerator.next()`, or None for no dropout.

    Returns:
        A tensor like `inputs`.
    """
    if drawn is None or rate == 0:
        return inputs
    if keras.backend.backend() == "tensorflow":
        return inputs * kept_units(ops.shape(inputs), rate, drawn, inputs.dtype)
    return keras.random.dropout(inputs, rate, seed=DrawnSeed(drawn))


def kept_units(shape, rate: float, drawn, dtype, value: float = 1.0):
    """The factors of dropout on TensorFlow: for each entry 0 or `value` / (1 - rate).

    Random numbers are most of the cost of dropout on a CPU. Keras draws 32 random bits for each entry; 8 bits take a
    quarter of the time. With 8 bits, the rate can only be a multiple of 1/256. One random number for all entries
    chooses between the two nearest multiples, so that each entry is dropped with exactly the given probability.

    Args:
        shape: Shape of the result: numbers, or a tensor of them.
        rate: See `drop`.
        drawn: The seed.
        dtype: Data type of the result.
        value: Factor of the kept entries before division by 1 - rate.

    Returns:
        A tensor of that shape.
    """
    import tensorflow as tf

    rate = min(rate, 255 / 256)
    count = tf.reduce_prod(shape)
    # Words of four bytes each, and one more for the threshold.
    words = tf.random.stateless_uniform(
        [(count + 3) // 4 + 1], seed=tf.cast(drawn, tf.int32), minval=None, maxval=None, dtype=tf.uint32
    )
    lower, beyond = divmod(256 * rate, 1)
    higher = words[-1] < tf.constant(round(beyond * (2**32 - 1)), tf.uint32)
    threshold = tf.constant(int(lower), tf.uint8) + tf.cast(higher, tf.uint8)
    drawn_bytes = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:count], shape)
    return tf.cast(drawn_bytes >= threshold, dtype) * tf.cast(value / (1 - rate), dtype)
