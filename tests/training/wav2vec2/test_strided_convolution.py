import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from training.models.wav2vec2.strided_convolution import StridedConvolution


@settings(deadline=None, max_examples=40)
@given(
    stride=st.integers(1, 3),
    extra_taps=st.integers(0, 4),
    rows=st.integers(5, 8),
    channels=st.integers(1, 3),
    biased=st.booleans(),
    seed=st.integers(0, 9),
)
def test_frames_are_those_of_the_plain_convolution(stride, extra_taps, rows, channels, biased, seed):
    taps = stride + extra_taps
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(2, rows * stride, channels)).astype("float32")
    plain = keras.layers.Conv1D(4, taps, stride, use_bias=biased)
    plain.build(inputs.shape)
    weights = [random.normal(size=weight.shape) for weight in plain.weights]
    plain.set_weights(weights)
    expected = ops.convert_to_numpy(plain(inputs))
    ours = StridedConvolution(4, taps, stride, use_bias=biased)
    ours.build(inputs.shape)
    ours.set_weights(weights)
    actual = ops.convert_to_numpy(ours(inputs))
    np.testing.assert_allclose(actual[:, : expected.shape[1]], expected, rtol=1e-4, atol=1e-4)
    assert actual.shape[1] == (rows if ours.by_rows else expected.shape[1])
