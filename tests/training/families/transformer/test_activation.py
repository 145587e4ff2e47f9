import keras
import numpy as np
import pytest
from keras import ops

from training.families.transformer.activation import activation_named, bare_gelu, drop, dropped_gelu

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients are taken by TensorFlow")

INPUTS = np.linspace(-6, 6, 520, dtype="float32")


def test_a_bare_gelu_lacks_nothing_but_its_constants():
    expected = ops.convert_to_numpy(activation_named("gelu")(ops.convert_to_tensor(INPUTS)))
    bare = ops.convert_to_numpy(bare_gelu(ops.convert_to_tensor(0.5**0.5 * INPUTS)))
    np.testing.assert_allclose(0.5**0.5 * bare, expected, rtol=1e-5, atol=1e-6)


@on_tensorflow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_gradient_of_a_bare_gelu_is_the_derived_one(dtype):
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


@on_tensorflow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("rate", "seed"), [(0.1, (1, 2)), (0.5, (3, 4)), (0.0, (1, 2)), (0.1, None)])
@pytest.mark.parametrize("in_graph", [False, True])
def test_gelu_with_dropout_equals_the_two_steps(dtype, rate, seed, in_graph):
    import tensorflow as tf

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


SHAPE = (3, 67, 101)


def dropped(rate: float, seed: int, dtype: str = "float32") -> np.ndarray:
    drawn = keras.random.SeedGenerator(seed).next()
    answer = drop(ops.full(SHAPE, 2.0, dtype=dtype), rate, drawn)
    assert keras.backend.standardize_dtype(answer.dtype) == dtype
    return ops.convert_to_numpy(ops.cast(answer, "float32"))


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.9])
def test_the_share_of_the_rate_is_dropped_and_the_others_grow(rate):
    answer = dropped(rate, seed=1)
    gone = answer == 0
    assert gone.mean() == pytest.approx(rate, abs=4 * (rate * (1 - rate) / answer.size) ** 0.5)
    np.testing.assert_allclose(answer[~gone], 2 / (1 - rate), rtol=1e-5)


def test_over_many_seeds_the_share_is_just_the_rate():
    # 0.1 lies between 25 and 26 of 256.
    shares = [(dropped(0.1, seed) == 0).mean() for seed in range(200)]
    assert np.mean(shares) == pytest.approx(0.1, abs=8e-4)


def test_a_seed_drops_the_same_units_and_another_seed_others():
    assert np.array_equal(dropped(0.5, seed=1), dropped(0.5, seed=1))
    differing = (dropped(0.5, seed=1) == 0) != (dropped(0.5, seed=2) == 0)
    assert 0.4 < differing.mean() < 0.6


def test_neighbours_are_dropped_independently():
    gone = (dropped(0.5, seed=3) == 0).ravel()
    assert abs(np.corrcoef(gone[:-1], gone[1:])[0, 1]) < 4 / gone.size**0.5


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sixteen_bits_stay_sixteen_bits(dtype):
    answer = dropped(0.5, seed=1, dtype=dtype)
    assert set(np.unique(answer)) == {0.0, 4.0}


def test_without_a_seed_or_a_rate_nothing_is_dropped():
    inputs = ops.ones(SHAPE)
    assert drop(inputs, 0.5, None) is inputs
    assert drop(inputs, 0.0, keras.random.SeedGenerator(1).next()) is inputs
