import keras
import numpy as np
import pytest
from keras import ops

from training.families.wav2vec2.kernels.activation import activation_named, bare_gelu

INPUTS = np.linspace(-6, 6, 520, dtype="float32")


def test_a_bare_gelu_lacks_nothing_but_its_constants():
    expected = ops.convert_to_numpy(activation_named("gelu")(ops.convert_to_tensor(INPUTS)))
    bare = ops.convert_to_numpy(bare_gelu(ops.convert_to_tensor(0.5**0.5 * INPUTS)))
    np.testing.assert_allclose(0.5**0.5 * bare, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients are taken by TensorFlow")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_its_own_gradient_is_the_derived_one(dtype):
    import tensorflow as tf

    inputs = tf.cast(tf.constant(INPUTS), dtype)
    upstream = tf.cast(tf.random.stateless_normal(inputs.shape, seed=(5, 6)), dtype)

    def found(learning):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            answer = bare_gelu(inputs, learning=learning)
        both = (answer, tape.gradient(answer, inputs, upstream))
        assert all(array.dtype == dtype for array in both)
        return [tf.cast(array, tf.float32).numpy() for array in both]

    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 3e-2, "atol": 3e-2}
    for actual, expected in zip(found(True), found(False), strict=True):
        np.testing.assert_allclose(actual, expected, **tolerance)
