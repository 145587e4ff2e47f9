import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from training.families.wav2vec2.encoder import PositionalConvolution
from training.families.wav2vec2.kernels.convolution import spectral_convolution
from training.families.wav2vec2.settings import Wav2Vec2Settings


def summed(inputs: np.ndarray, kernel: np.ndarray, groups: int) -> np.ndarray:
    """The convolution as it is defined, tap by tap in float64."""
    taps, size, channels = kernel.shape
    before, frames = taps // 2, inputs.shape[1]
    padded = np.pad(inputs.astype("float64"), [(0, 0), (before, taps - 1 - before), (0, 0)])
    answer = np.zeros((*inputs.shape[:2], channels))
    width = channels // groups
    for group in range(groups):
        outputs = slice(group * width, (group + 1) * width)
        heard = padded[..., group * size : (group + 1) * size]
        for tap in range(taps):
            answer[..., outputs] += heard[:, tap : tap + frames] @ kernel[tap, :, outputs]
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
def test_it_is_the_convolution_that_it_stands_for(taps, groups, width, frames, clips, seed):
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(clips, frames, groups * width)).astype("float32")
    kernel = random.normal(size=(taps, width, groups * width)).astype("float32")
    actual = ops.convert_to_numpy(spectral_convolution(inputs, ops.convert_to_tensor(kernel), groups))
    np.testing.assert_allclose(actual, summed(inputs, kernel, groups), rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow convolves otherwise in training")
@pytest.mark.parametrize("in_graph", [False, True])
def test_answers_and_gradients_of_the_layer_are_the_same_in_training(in_graph):
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
