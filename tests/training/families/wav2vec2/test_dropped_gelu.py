import keras
import numpy as np
import pytest
import tensorflow as tf

from training.families.wav2vec2.kernels.activation import activation_named, drop, dropped_gelu

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients are taken by TensorFlow")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("rate", "seed"), [(0.1, (1, 2)), (0.5, (3, 4)), (0.0, (1, 2)), (0.1, None)])
@pytest.mark.parametrize("in_graph", [False, True])
def test_answer_and_gradient_are_those_of_the_two_steps(dtype, rate, seed, in_graph):
    inputs = tf.cast(tf.reshape(tf.linspace(-6.0, 6.0, 13 * 40), (13, 40)), dtype)
    upstream = tf.cast(tf.random.stateless_normal(inputs.shape, seed=(5, 6)), dtype)
    drawn = None if seed is None else tf.constant(seed)

    def found(function):
        def learn():
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                answer = function(inputs)
            return answer, tape.gradient(answer, inputs, upstream)

        answers = (tf.function(learn) if in_graph else learn)()
        assert all(array.dtype == dtype for array in answers)
        return [tf.cast(array, tf.float32).numpy() for array in answers]

    ours = found(lambda array: dropped_gelu(array, rate, drawn))
    two_steps = found(lambda array: drop(activation_named("gelu")(array), rate, drawn))
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 3e-2, "atol": 3e-2}
    for actual, expected in zip(ours, two_steps, strict=True):
        np.testing.assert_allclose(actual, expected, **tolerance)
