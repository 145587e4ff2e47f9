import keras
import numpy as np
import pytest
from keras import ops

from training.fitting.adamw import LayerwiseAdamW

SHAPES = [(7, 5), (5,), (3, 2, 4)]


def weights_after(optimizer: keras.optimizers.Optimizer, steps: int) -> list[np.ndarray]:
    """Of weights that are given the same gradients, large and small ones, whatever the optimizer."""
    random = np.random.default_rng(0)
    variables = [keras.Variable(random.normal(size=shape), dtype="float32") for shape in SHAPES]
    optimizer.build(variables)
    for _ in range(steps):
        scales = 10.0 ** random.integers(-6, 3, size=len(SHAPES))
        gradients = [
            ops.convert_to_tensor((scale * random.normal(size=shape)).astype("float32"))
            for scale, shape in zip(scales, SHAPES, strict=True)
        ]
        optimizer.apply(gradients, variables)
    return [ops.convert_to_numpy(variable) for variable in variables]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("options", [{}, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}, {"amsgrad": True}])
def test_with_scales_of_one_it_is_adamw(weight_decay, options):
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 20)
    ours = weights_after(LayerwiseAdamW(schedule, scales=[1.0] * 3, weight_decay=weight_decay, **options), 12)
    keras_own = weights_after(keras.optimizers.AdamW(schedule, weight_decay=weight_decay, **options), 12)
    for actual, expected in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_a_scale_is_a_learning_rate_of_that_weight_alone():
    ours = weights_after(LayerwiseAdamW(1e-2, scales=[1.0, 0.1, 0.0], weight_decay=0.0), 5)
    fast, slow = (weights_after(keras.optimizers.AdamW(rate, weight_decay=0.0), 5) for rate in (1e-2, 1e-3))
    still = weights_after(keras.optimizers.AdamW(1e-2, weight_decay=0.0), 0)
    for actual, expected in zip(ours, (fast[0], slow[1], still[2]), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_a_weight_that_starts_later_stands_still_until_then():
    at_once, later = (
        [weights_after(LayerwiseAdamW(1e-2, [1.0] * 3, starts, weight_decay=0.0), steps) for steps in (0, 3, 4)]
        for starts in (None, (0, 3, 0))
    )
    for index in (0, 2):
        np.testing.assert_array_equal(later[2][index], at_once[2][index])
    np.testing.assert_array_equal(later[1][1], at_once[0][1])
    assert not np.array_equal(later[2][1], later[1][1])
