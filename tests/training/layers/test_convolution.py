from functools import cache

import keras
import numpy as np
import pytest

from data_pipeline.audio.log_mel import LogMelSettings
from tests.training.families.wav2vec2.small import SMALL
from training.families.cnn import network as cnn
from training.families.cnn.recipe import CnnSettings
from training.families.mobilenet import network as mobilenet
from training.families.mobilenet.recipe import MobileNetSettings
from training.families.transformer.head_settings import HeadSettings
from training.families.wav2vec2.classifier import Wav2Vec2Classifier
from training.families.wav2vec2.kernels.convolution import StridedConvolution
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.layers.convolution import Conv1D, convolve, fits_bfloat16

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the rule is for TensorFlow")

LAYERED = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
# One encoder layer each: the convolutions are all outside of them.
WAV2VEC2 = {
    "base": {"num_hidden_layers": 1},
    "large-lv60": {
        **LAYERED, "num_hidden_layers": 1, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096
    },
    "small": {**SMALL, **LAYERED, "num_hidden_layers": 1},
    # Kernels that no products of rows can stand for, and groups of four channels.
    "other kernels": {
        **SMALL, "conv_dim": [8] * 7, "conv_kernel": [10, 8, 8, 8, 3, 2, 2], "num_conv_pos_embedding_groups": 8
    },
}  # fmt: skip
LOG_MEL = {
    "cnn": lambda: cnn.build(CnnSettings(training_dtype="bfloat16"), 6, LogMelSettings()),
    "narrow cnn": lambda: cnn.build(CnnSettings((4, 8, 16), 64, training_dtype="bfloat16"), 6, LogMelSettings()),
    **{
        f"{body} {alpha}": lambda body=body, alpha=alpha: mobilenet.build(
            MobileNetSettings(body, alpha, 64, training_dtype="bfloat16"), 6, LogMelSettings()
        )
        for body, alpha in [("audioset", 0.125), ("imagenet", 0.25)]
    },
}
WIDE = {"base", "large-lv60", "cnn"}


def wav2vec2(name, dtype="mixed_bfloat16"):
    settings = Wav2Vec2Settings.from_config(WAV2VEC2[name])
    return Wav2Vec2Classifier(settings, 6, HeadSettings(projection=0), learn="all", dtype=dtype)


@cache
def found_in(name):
    """All convolutions of a network that learns and answers in bfloat16."""
    import tensorflow as tf

    from tests.training.layers.graphs import convolutions, traced

    if name in WAV2VEC2:
        model = wav2vec2(name)
        inputs = {"waveform": tf.TensorSpec([None, None]), "num_samples": tf.TensorSpec([None], tf.int32)}
    else:
        model = LOG_MEL[name]()
        inputs = {"log_mel": tf.TensorSpec([None, None, 64]), "num_frames": tf.TensorSpec([None], tf.int32)}

    def both(batch):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.math.log(model(batch, training=True)))
        gradients = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
        return gradients, model(batch, training=False)

    return convolutions(traced(both, inputs))


@pytest.mark.parametrize("name", [*WAV2VEC2, *LOG_MEL])
def test_no_network_computes_a_narrow_convolution_in_bfloat16(name):
    found = found_in(name)
    assert not [convolution for convolution in found if convolution.forbidden]
    kinds = {convolution.kind for convolution in found if convolution.dtype == "bfloat16"}
    assert name not in WIDE or "Conv2D" in kinds, "wide ones stay in bfloat16"
    # The first convolution of the base networks is a product.
    assert name == "base" or "Conv2DBackpropFilter" in {convolution.kind for convolution in found}


def test_a_narrow_one_would_be_found_wherever_it_is():
    import tensorflow as tf

    from tests.training.layers.graphs import convolutions, traced

    @tf.function
    def inner(inputs, kernel):
        return tf.nn.conv1d(inputs, kernel, 1, "SAME")

    def outer(inputs, kernel):
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            answer = inner(inputs, kernel)
        return tape.gradient(answer, [inputs, kernel])

    for shape, forbidden in [((8, 4, 16), True), ((8, 16, 4), True), ((8, 16, 16), False)]:
        specs = [tf.TensorSpec([1, 20, shape[1]], tf.bfloat16), tf.TensorSpec(shape, tf.bfloat16)]
        seen = convolutions(traced(outer, *specs))
        assert {convolution.kind for convolution in seen} >= {"Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"}
        assert {convolution.forbidden for convolution in seen} == {forbidden}


def test_every_convolution_in_bfloat16_is_near_float32():
    import tensorflow as tf

    found = set().union(*map(found_in, (*WAV2VEC2, *LOG_MEL)))
    shapes = {(one.kernel, one.strides, one.padding) for one in found if one.kind == "Conv2D"}
    assert {(1, 10, 1, 512), (1, 128, 48, 48), (1, 128, 64, 64), (3, 3, 16, 32)} <= {kernel for kernel, *_ in shapes}
    # The one that the fault was found with.
    shapes.add(((1, 16, 4, 4), (1, 1), "VALID"))
    for kernel_shape, strides, padding in sorted(shapes):
        height, width, channels, _ = kernel_shape
        inputs = numbers(2, 2 + height, 20 + width, channels)
        kernel = numbers(*kernel_shape)

        def learn(inputs, kernel, strides=strides, padding=padding):
            with tf.GradientTape() as tape:
                tape.watch([inputs, kernel])
                answer = convolve(inputs, kernel, strides=strides, padding=padding.lower())
                loss = tf.reduce_sum(tf.square(tf.cast(answer, "float32")))
            return answer, *tape.gradient(loss, [inputs, kernel])

        for rounded, exact in zip(learn(inputs, kernel), learn(single(inputs), single(kernel)), strict=True):
            assert rounded.dtype == "bfloat16"
            assert distance(rounded, exact) < 0.02, (kernel_shape, strides, padding)


@pytest.mark.parametrize("channels", [4, 12, 16, 512])
def test_a_strided_convolution_in_bfloat16_is_near_float32(channels):
    inputs = numbers(2, 40, channels)
    for kind, taps in [(StridedConvolution, 3), (Conv1D, 8)]:
        layers = [kind(channels, taps, 2, dtype=dtype) for dtype in ("bfloat16", "float32")]
        for layer in layers:
            layer.build(inputs.shape)
        layers[1].set_weights([np.asarray(weight, "float32") for weight in layers[0].get_weights()])
        assert distance(layers[0](inputs), layers[1](single(inputs))) < 0.02


def test_float32_is_left_alone_and_wide_bfloat16_too():
    import tensorflow as tf

    for channels, dtype in [(4, "float32"), (16, "float32"), (16, "bfloat16")]:
        inputs, kernel = tf.cast(numbers(2, 30, channels), dtype), tf.cast(numbers(8, channels, channels), dtype)
        expected = keras.ops.conv(inputs, kernel)
        np.testing.assert_array_equal(single(convolve(inputs, kernel)), single(expected))


def test_what_counts_is_the_narrower_end_of_a_group():
    assert fits_bfloat16((3, 16, 16))
    assert fits_bfloat16((128, 48, 768), groups=16)
    assert not fits_bfloat16((1, 1, 15, 64))
    assert not fits_bfloat16((1, 1, 64, 15))
    assert not fits_bfloat16((3, 32, 32), groups=4)


def numbers(*shape):
    import tensorflow as tf

    return tf.constant(np.random.default_rng(0).normal(size=shape), "bfloat16")


def single(tensor):
    return keras.ops.cast(tensor, "float32")


def distance(rounded, exact):
    """Relative error in the root mean square."""
    error = np.asarray(single(rounded)) - np.asarray(exact)
    return np.sqrt(np.mean(np.square(error)) / np.mean(np.square(exact)))
