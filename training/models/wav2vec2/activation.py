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


def bare_gelu(inputs):
    """GELU without its two constants: of x / sqrt(2) it is sqrt(2) times the GELU of x.

    Linear steps before and behind it can have the constants in their kernels, which leaves three passes over memory of
    five.
    """
    return inputs * (ops.erf(inputs) + ops.cast(1.0, inputs.dtype))
