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
