"""MobileNet v1 on log-mel spectrograms (Howard et al. 2017, arXiv:1704.04861), for utterances of any length.

There are two bodies. `audioset` has the shape of YAMNet (tensorflow/models, `research/audioset/yamnet`): one input
channel, plain ReLU. `imagenet` is `keras.applications.MobileNet`: three channels, ReLU6, its own padding. Both have the
same head, see `training.layers.head`.
"""

import re

import keras
from keras import layers

from data_pipeline.audio.log_mel_settings import LogMelSettings
from training.families.mobilenet.recipe import MobileNetSettings
from training.layers.convolution import PointwiseConv
from training.layers.fused_batch_norm import FusedBatchNorm
from training.layers.head import WindowedHead, classify_windows

STRIDE = 32
"""Input frames from one frame of the body's feature maps to the next."""

BLOCKS = 14
"""Number of blocks of either body; the first convolution counts as one."""

_SEPARABLE_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip
"""Filters at alpha 1, and stride, of MobileNet v1's depthwise separable blocks (table 1 of the paper)."""


def build(settings: MobileNetSettings, num_classes: int, front_end: LogMelSettings) -> keras.Model:
    """The network with random weights.

    Args:
        settings: Shape of the network.
        num_classes: Number of emotions.
        front_end: Settings of the log-mel spectrograms that it receives.

    Returns:
        A model from `{"log_mel": float32 [batch, frames, bands], "num_frames": int32 [batch]}` to probabilities
        float32 [batch, classes]. Frames past `num_frames` never change its answer.
    """
    head = WindowedHead(settings.window_frames, STRIDE, settings.pooling, settings.hidden, settings.dropout)
    return classify_windows(backbone(settings, front_end), head, num_classes, front_end, "mobilenet")


def block(layer: str) -> int:
    """Which block of a body a layer belongs to: from 0, the bottom, to `BLOCKS` - 1.

    Args:
        layer: Its name, in either body.
    """
    number = re.match(r"layer(\d+)_", layer)
    if number:
        return int(number[1]) - 1
    number = re.match(r"conv_[dp]w_(\d+)", layer)
    return int(number[1]) if number else 0


def backbone(settings: MobileNetSettings, front_end: LogMelSettings) -> keras.Model:
    """The convolutional part: windows [n, frames, bands, 1] to feature maps [n, frames / 32, bands / 32, channels]."""
    shape = (settings.window_frames, front_end.num_bands, 1)
    return _imagenet_body(settings, shape) if settings.body == "imagenet" else _audioset_body(settings, shape)


def _imagenet_body(settings: MobileNetSettings, shape: tuple[int, int, int]) -> keras.Model:
    window = keras.Input(shape, name="window")
    # ImageNet networks expect pixels in ±1; log-mels of speech lie between -7 (silence) and about 2.
    x = layers.Rescaling(1 / 4.5, offset=2.5 / 4.5, name="to_pixels")(window)
    x = layers.Concatenate(name="to_colour")([x, x, x])
    body = keras.applications.MobileNet(
        input_tensor=x, alpha=settings.alpha, include_top=False, weights=None, name="mobilenet_v1"
    )

    def faster(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if type(layer) is layers.BatchNormalization:
            return FusedBatchNorm.from_config(config)
        if type(layer) is layers.Conv2D and layer.kernel_size == (1, 1):
            return PointwiseConv.from_config({**config, "training_dtype": settings.training_dtype})
        return type(layer).from_config(config)

    return keras.models.clone_model(keras.Model(window, body.output, name="backbone"), clone_function=faster)


def _audioset_body(settings: MobileNetSettings, shape: tuple[int, int, int]) -> keras.Model:
    def normalise(x, name: str):
        x = FusedBatchNorm(momentum=settings.norm_momentum, epsilon=1e-4, name=f"{name}_bn")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    window = keras.Input(shape, name="window")
    filters = int(32 * settings.alpha)
    x = layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name="layer1_conv")(window)
    x = normalise(x, "layer1_conv")
    for number, (filters, stride) in enumerate(_SEPARABLE_BLOCKS, start=2):
        depthwise, pointwise = f"layer{number}_depthwise_conv", f"layer{number}_pointwise_conv"
        x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=depthwise)(x)
        x = normalise(x, depthwise)
        width = int(filters * settings.alpha)
        x = PointwiseConv(width, 1, use_bias=False, training_dtype=settings.training_dtype, name=pointwise)(x)
        x = normalise(x, pointwise)
    return keras.Model(window, x, name="backbone")
