import keras
import numpy as np
import pytest
from keras import ops

from training.families.wav2vec2.kernels.activation import drop

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
