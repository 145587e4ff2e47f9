import keras
import numpy as np
import pytest
import tensorflow as tf

from training.families.transformer.dense import RowNormalisation, WideningDense

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients are taken by TensorFlow")

SIZE = 24


def layers(policy: str = "float32") -> tuple[RowNormalisation, keras.layers.LayerNormalization]:
    """Ours and Keras's, with the same weights."""
    random = np.random.default_rng(0)
    ours = RowNormalisation(1e-5, dtype=policy)
    plain = keras.layers.LayerNormalization(epsilon=1e-5, dtype=policy)
    weights = [random.normal(size=SIZE) for _ in range(2)]
    for layer in (ours, plain):
        layer.build((None, SIZE))
        layer.set_weights(weights)
    return ours, plain


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("shape", [(7, SIZE), (2, 5, SIZE)])
@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_outputs_and_gradients_are_those_of_layer_normalisation(policy, shape, in_graph, training):
    random = np.random.default_rng(1)
    # Far from zero, where a variance by the mean of squares would lose its digits.
    rows = tf.constant(300 + random.normal(size=shape), tf.float32)
    upstream = tf.constant(random.normal(size=shape), tf.float32)

    def found(layer):
        def learn():
            with tf.GradientTape() as tape:
                tape.watch(rows)
                answer = layer(rows, training=training) if isinstance(layer, RowNormalisation) else layer(rows)
                loss = tf.reduce_sum(tf.cast(answer, tf.float32) * upstream)
            return answer, *tape.gradient(loss, [rows, *(weight.value for weight in layer.trainable_weights)])

        answer, *gradients = (tf.function(learn) if in_graph else learn)()
        assert answer.dtype == layer.compute_dtype
        return [tf.cast(array, tf.float32).numpy() for array in (answer, *gradients)]

    ours, plain = map(found, layers(policy))
    for actual, expected in zip(ours, plain, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-2 if policy != "float32" else 1e-3, atol=1e-3)


def test_a_frozen_norm_still_lets_the_gradient_through():
    rows = tf.constant(np.random.default_rng(0).normal(size=(3, SIZE)), tf.float32)
    gradients = []
    for layer in layers():
        layer.trainable = False
        with tf.GradientTape() as tape:
            tape.watch(rows)
            loss = tf.reduce_sum(
                tf.sin(layer(rows, training=True) if isinstance(layer, RowNormalisation) else layer(rows))
            )
        gradients.append(tape.gradient(loss, rows))
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("in_graph", [False, True])
def test_outputs_and_gradients_are_those_of_a_dense_layer(policy, in_graph):
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
