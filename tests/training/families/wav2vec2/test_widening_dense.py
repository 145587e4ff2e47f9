import keras
import numpy as np
import pytest
import tensorflow as tf

from training.families.wav2vec2.kernels.dense import WideningDense

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients are taken by TensorFlow")


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("in_graph", [False, True])
def test_answers_and_gradients_are_those_of_the_plain_layer(policy, in_graph):
    random = np.random.default_rng(0)
    rows = tf.constant(random.normal(size=(7, 5)), tf.float32)
    upstream = tf.constant(random.normal(size=(7, 12)), tf.float32)
    weights = [random.normal(size=(5, 12)), random.normal(size=12)]

    def found(kind):
        layer = kind(12, dtype=policy)
        layer.build(rows.shape)
        layer.set_weights(weights)

        def learn():
            with tf.GradientTape() as tape:
                tape.watch(rows)
                answer = layer(rows, training=True)
                loss = tf.reduce_sum(tf.cast(answer, tf.float32) * upstream)
            return answer, *tape.gradient(loss, [rows, *(weight.value for weight in layer.trainable_weights)])

        return [tf.cast(array, tf.float32).numpy() for array in (tf.function(learn) if in_graph else learn)()]

    for ours, plain in zip(found(WideningDense), found(keras.layers.Dense), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-5)


def test_a_frozen_kernel_still_lets_the_gradient_through():
    layer = WideningDense(12)
    layer.build((None, 5))
    layer.trainable = False
    rows = tf.ones((2, 5))
    with tf.GradientTape() as tape:
        tape.watch(rows)
        loss = tf.reduce_sum(layer(rows, training=True))
    expected = np.tile(keras.ops.convert_to_numpy(layer.kernel).sum(1), (2, 1))
    np.testing.assert_allclose(tape.gradient(loss, rows), expected, rtol=1e-5, atol=1e-6)
