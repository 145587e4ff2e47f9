"""GELU, its derivative, and dropout, in fewer passes over memory than Keras's own; GELU and dropout as one step."""

import math

import keras
from keras import ops


def activation_named(name: str):
    """An activation by the name that published configurations have for it.

    Args:
        name: One of `settings.ACTIVATIONS`.

    Returns:
        A function of a tensor.
    """
    return _gelu if name == "gelu" else keras.activations.get(name)


def _gelu(inputs):
    """GELU by the error function, float32 or sixteen bits.

    Keras's own goes by the complementary error function, for which TensorFlow has no vector instructions on the CPU:
    it took a fifth of the time of a forward pass.
    """
    half = ops.cast(0.5, inputs.dtype)
    return half * inputs * (ops.cast(1.0, inputs.dtype) + ops.erf(inputs * ops.cast(0.5**0.5, inputs.dtype)))


def bare_gelu(inputs, learning: bool = False):
    """GELU without its two constants: of x / sqrt(2) it is sqrt(2) times the GELU of x.

    Linear steps before and behind it can have the constants in their kernels, which leaves three passes over memory of
    five.

    Args:
        inputs: Any tensor of floating-point numbers.
        learning: Whether there will be a gradient, on TensorFlow. The derivative then is computed with the answer and
            is all that is kept.

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
    """What GELU multiplies its input by, and its derivative, both doubled, from what they have in common.

    Args:
        scaled: A tensor of TensorFlow, x / sqrt(2).

    Returns:
        Twice the cumulative normal distribution at x, and twice the derivative of GELU there, which is that of
        `bare_gelu` at `scaled`.
    """
    import tensorflow as tf

    doubled = tf.math.erf(scaled) + tf.cast(1, scaled.dtype)
    return doubled, scaled * tf.exp(-tf.square(scaled)) * tf.cast(2 / math.pi**0.5, scaled.dtype) + doubled


def dropped_gelu(inputs, rate: float, drawn):
    """`drop(gelu(inputs), rate, drawn)` on TensorFlow, in fewer passes over memory and with a third of what is kept.

    The derivative is computed with the answer, from what both have in common, and is all that is kept for the gradient.

    Args:
        inputs: Any tensor of floating-point numbers.
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
