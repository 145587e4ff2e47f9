import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from training.families.wav2vec2.feature_encoder import FeatureEncoder
from training.families.wav2vec2.kernels.convolution import StridedConvolution, fits_rows
from training.families.wav2vec2.settings import Wav2Vec2Settings


@settings(deadline=None, max_examples=40)
@given(
    stride=st.integers(1, 3),
    further_taps=st.integers(0, 3),
    rows=st.integers(3, 8),
    channels=st.integers(1, 3),
    biased=st.booleans(),
    seed=st.integers(0, 9),
)
def test_frames_are_those_of_the_plain_convolution(stride, further_taps, rows, channels, biased, seed):
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


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients are taken by TensorFlow")
@pytest.mark.parametrize(("taps", "stride"), [(3, 2), (2, 2), (4, 2), (5, 3), (1, 1), (2, 1)])
def test_gradients_are_those_of_the_plain_convolution(taps, stride):
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
def test_an_encoder_makes_the_frames_that_are_counted_whatever_its_kernels(kernels, samples):
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
def test_a_clip_hears_nothing_of_its_neighbours(norm, kernels):
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
