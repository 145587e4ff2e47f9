import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from training.families.wav2vec2.encoder import PositionalConvolution
from training.families.wav2vec2.feature_encoder import FeatureEncoder
from training.families.wav2vec2.kernels.convolution import (
    StridedConvolution,
    fits_rows,
    normalised_convolution,
    spectral_convolution,
)
from training.families.wav2vec2.settings import Wav2Vec2Settings

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only used with TensorFlow")

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


@on_tensorflow
@pytest.mark.parametrize("clip", [noise, hum_with_a_hiss, silence])
@pytest.mark.parametrize("biased", [False, True])
def test_a_normalised_convolution_is_the_norm_of_the_convolution_over_the_frames_of_a_clip(clip, biased):
    random = np.random.default_rng(0)
    lengths = [1_203, 640, 9]
    waveform = np.stack([clip(random, 1_203) * (np.arange(1_203) < length) for length in lengths]).astype("float32")
    convolution = keras.layers.Conv1D(CHANNELS, TAPS, STRIDE, use_bias=biased)
    convolution.build((None, None, 1))
    kernel = random.normal(size=(TAPS, 1, CHANNELS))
    # Channels of differences between neighbours, in which a low tone nearly vanishes.
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
        valid = row[:count]
        expected = (valid - valid.mean(0)) / np.sqrt(valid.var(0) + EPSILON) * gamma + beta
        # Products of the samples are in float32, so that a loud hum leaves rounding errors.
        np.testing.assert_allclose(answer[:count], expected, rtol=1e-4, atol=2e-4)


@settings(deadline=None, max_examples=40)
@given(
    stride=st.integers(1, 3),
    further_taps=st.integers(0, 3),
    rows=st.integers(3, 8),
    channels=st.integers(1, 3),
    biased=st.booleans(),
    seed=st.integers(0, 9),
)
def test_a_strided_convolution_has_the_frames_of_the_plain_one(stride, further_taps, rows, channels, biased, seed):
    taps = stride + min(further_taps, stride)
    assert fits_rows(taps, stride)
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
    assert actual.shape[1] == rows


@on_tensorflow
@pytest.mark.parametrize(("taps", "stride"), [(3, 2), (2, 2), (4, 2), (5, 3), (1, 1), (2, 1)])
def test_a_strided_convolution_has_the_gradients_of_the_plain_one(taps, stride):
    import tensorflow as tf

    random = np.random.default_rng(0)
    clips, channels, frames = 3, 2, 6 * stride
    inputs = tf.constant(random.normal(size=(clips, frames, channels)), "float32")
    kernel = random.normal(size=(taps, channels, 4))
    upstream = random.normal(size=(clips, 1 + (frames - taps) // stride, 4)).astype("float32")

    def gradients(kind):
        layer = kind(4, taps, stride, use_bias=False)
        layer.build(inputs.shape)
        layer.set_weights([kernel])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            answer = layer(inputs)[:, : upstream.shape[1]]
        return tape.gradient(answer, [inputs, layer.kernel.value], upstream)

    for actual, expected in zip(gradients(StridedConvolution), gradients(keras.layers.Conv1D), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernels", [(10, 3, 2), (10, 5, 2), (10, 1, 2)])
@pytest.mark.parametrize("samples", [200, 203, 1_001])
def test_an_encoder_has_the_expected_number_of_frames_with_any_kernels(kernels, samples):
    changes = {"conv_dim": (4, 4, 4), "conv_kernel": kernels, "conv_stride": (5, 2, 2)}
    shape = Wav2Vec2Settings(**changes)
    encoder = FeatureEncoder(shape)
    encoder.build()
    waveform = np.random.default_rng(0).normal(size=(1, samples)).astype("float32")
    alone = ops.convert_to_numpy(encoder(waveform, np.array([samples], "int32")))
    assert alone.shape == (1, shape.frames(samples), 4)
    longer = np.pad(waveform, [(0, 0), (0, 37)])
    within = ops.convert_to_numpy(encoder(longer, np.array([samples], "int32")))
    np.testing.assert_allclose(within[:, : alone.shape[1]], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("kernels", [(10, 3, 2), (10, 4, 4), (10, 2, 3)])
def test_a_clip_does_not_depend_on_its_neighbours(norm, kernels):
    shape = Wav2Vec2Settings(
        conv_dim=(4, 4, 4), conv_kernel=kernels, conv_stride=(5, 2, 2), feat_extract_norm=norm, conv_bias=True
    )
    encoder = FeatureEncoder(shape)
    encoder.build()
    random = np.random.default_rng(0)
    lengths = np.array([203, 150, 187], "int32")
    clips = random.normal(size=(3, 203)) * (np.arange(203) < lengths[:, None])
    loud = clips.copy()
    loud[[0, 2]] *= 1e3
    answers = [ops.convert_to_numpy(encoder(batch.astype("float32"), lengths)) for batch in (clips, loud)]
    valid = shape.frames(150)
    np.testing.assert_allclose(answers[0][1, :valid], answers[1][1, :valid], rtol=1e-5, atol=1e-6)
    alone = ops.convert_to_numpy(encoder(clips[1:2, :150].astype("float32"), lengths[1:2]))
    np.testing.assert_allclose(answers[0][1, :valid], alone[0], rtol=1e-4, atol=1e-5)


def summed(inputs: np.ndarray, kernel: np.ndarray, groups: int) -> np.ndarray:
    """The convolution as it is defined, tap by tap in float64."""
    taps, size, channels = kernel.shape
    before, frames = taps // 2, inputs.shape[1]
    padded = np.pad(inputs.astype("float64"), [(0, 0), (before, taps - 1 - before), (0, 0)])
    answer = np.zeros((*inputs.shape[:2], channels))
    width = channels // groups
    for group in range(groups):
        outputs = slice(group * width, (group + 1) * width)
        group_inputs = padded[..., group * size : (group + 1) * size]
        for tap in range(taps):
            answer[..., outputs] += group_inputs[:, tap : tap + frames] @ kernel[tap, :, outputs]
    return answer


@settings(deadline=None, max_examples=40)
@given(
    taps=st.integers(1, 9),
    groups=st.integers(1, 3),
    width=st.integers(1, 3),
    frames=st.integers(1, 14),
    clips=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_a_spectral_convolution_is_the_grouped_convolution(taps, groups, width, frames, clips, seed):
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(clips, frames, groups * width)).astype("float32")
    kernel = random.normal(size=(taps, width, groups * width)).astype("float32")
    actual = ops.convert_to_numpy(spectral_convolution(inputs, ops.convert_to_tensor(kernel), groups))
    np.testing.assert_allclose(actual, summed(inputs, kernel, groups), rtol=1e-4, atol=1e-5)


@on_tensorflow
@pytest.mark.parametrize("in_graph", [False, True])
def test_the_positional_convolution_and_its_gradients_are_the_same_in_training(in_graph):
    import tensorflow as tf

    layer = PositionalConvolution(
        Wav2Vec2Settings(hidden_size=12, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=3)
    )
    layer.build()
    inputs = tf.random.stateless_normal((2, 21, 12), seed=(1, 2))

    def learn(training):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            answer = layer(inputs, training=training)
            loss = tf.reduce_sum(tf.sin(answer))
        return answer, *tape.gradient(loss, [inputs, *(weight.value for weight in layer.trainable_weights)])

    found = [(tf.function(learn) if in_graph else learn)(training) for training in (True, False)]
    for spectral, plain in zip(*found, strict=True):
        np.testing.assert_allclose(spectral, plain, rtol=1e-4, atol=1e-5)
