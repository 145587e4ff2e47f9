import keras
import numpy as np
import pytest
from keras import ops

from training.families.wav2vec2.kernels.convolution import normalised_convolution

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only used with TensorFlow")

TAPS, STRIDE, CHANNELS, EPSILON = 10, 5, 6, 1e-5


class Norm(keras.layers.Layer):
    """The two weights and the constant of a group norm."""

    def __init__(self, random: np.random.Generator):
        super().__init__()
        self.gamma, self.beta = (keras.Variable(random.normal(size=CHANNELS), dtype="float32") for _ in range(2))
        self.epsilon = EPSILON


def noise(random: np.random.Generator, samples: int) -> np.ndarray:
    return random.normal(size=samples)


def hum_with_a_hiss(random: np.random.Generator, samples: int) -> np.ndarray:
    """A low tone a thousand times as loud as the noise above it."""
    return np.sin(np.arange(samples) / 50) + 1e-3 * random.normal(size=samples)


def silence(_: np.random.Generator, samples: int) -> np.ndarray:
    return np.zeros(samples)


@pytest.mark.parametrize("clip", [noise, hum_with_a_hiss, silence])
@pytest.mark.parametrize("biased", [False, True])
def test_it_is_the_norm_of_the_convolution_over_the_frames_of_a_clip(clip, biased):
    random = np.random.default_rng(0)
    lengths = [1_203, 640, 9]
    waveform = np.stack([clip(random, 1_203) * (np.arange(1_203) < length) for length in lengths]).astype("float32")
    convolution = keras.layers.Conv1D(CHANNELS, TAPS, STRIDE, use_bias=biased)
    convolution.build((None, None, 1))
    kernel = random.normal(size=(TAPS, 1, CHANNELS))
    # Channels that tell neighbours apart, and so hear next to nothing of a low tone.
    kernel[:, :, ::2] = np.diff(random.normal(size=(TAPS + 2, 1, CHANNELS // 2)), n=2, axis=0)
    kernel = kernel.astype("float32")
    convolution.set_weights([kernel, *([random.normal(size=CHANNELS)] if biased else [])])
    norm = Norm(random)
    frames = np.array([max((length - TAPS) // STRIDE + 1, 0) for length in lengths], "int32")

    actual = ops.convert_to_numpy(normalised_convolution(ops.convert_to_tensor(waveform), frames, convolution, norm))

    windows = np.lib.stride_tricks.sliding_window_view(waveform.astype("float64"), TAPS, axis=1)[:, ::STRIDE]
    plain = windows @ kernel[:, 0]
    assert actual.shape == plain.shape
    assert np.isfinite(actual).all()
    gamma, beta = ops.convert_to_numpy(norm.gamma), ops.convert_to_numpy(norm.beta)
    for answer, row, count in zip(actual[:2], plain[:2], frames[:2], strict=True):
        heard = row[:count]
        expected = (heard - heard.mean(0)) / np.sqrt(heard.var(0) + EPSILON) * gamma + beta
        # Products of the samples are in float32, so that a loud hum leaves its rounding errors.
        np.testing.assert_allclose(answer[:count], expected, rtol=1e-4, atol=2e-4)
