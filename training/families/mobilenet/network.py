"""MobileNet v1 on log-mel spectrograms (Howard et al. 2017, arXiv:1704.04861), for utterances of any length.

Two bodies are known. `audioset` is shaped as YAMNet is (tensorflow/models, `research/audioset/yamnet`): one input
channel, plain ReLU. `imagenet` is `keras.applications.MobileNet`: three channels, ReLU6, its own padding. What stands
on them is the same for both, see `head`.
"""

import re
from dataclasses import dataclass

import keras
from keras import layers

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.errors import UserError
from training.layers.fused_batch_norm import FusedBatchNorm
from training.layers.head import POOLINGS, WindowedHead, classify_windows
from training.layers.mixed_conv import TRAINING_DTYPES
from training.layers.pointwise_conv import PointwiseConv

BODIES = ("audioset", "imagenet")

STRIDE = 32
"""Input frames from one frame of the body's feature maps to the next."""

BLOCKS = 14
"""Of either body, the first convolution being one."""

_SEPARABLE_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip
"""Filters at alpha 1, and stride, of MobileNet v1's depthwise separable blocks (table 1 of the paper)."""


@dataclass(frozen=True, slots=True)
class MobileNetSettings:
    """What defines the network, apart from its weights.

    Attributes:
        body: `audioset` or `imagenet`, see the module.
        alpha: Width multiplier.
        window_frames: Length of a window; 298 frames are 3 s.
        pooling: Over time, see `head.POOLINGS`.
        hidden: Units of the first dense layer.
        dropout: Rate after the embedding and after the first dense layer.
        norm_momentum: Of the moving statistics of an `audioset` body's batch norms. From random weights activations
            change fast, and statistics that lag behind make a network of 27 norms useless at inference.
        training_dtype: Of the products in 1 x 1 convolutions while training: `float32`, or `bfloat16`, which is faster
            on processors that have instructions for it (AVX512-BF16, AMX) and slower on others.
    """

    body: str = "audioset"
    alpha: float = 1.0
    window_frames: int = 298
    pooling: str = "mean"
    hidden: int = 256
    dropout: float = 0.3
    norm_momentum: float = 0.9
    training_dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.body not in BODIES:
            raise ValueError(f"body must be one of {BODIES}. Received: {self.body!r}")
        if self.pooling not in POOLINGS:
            raise UserError(f"pooling must be one of {', '.join(POOLINGS)}, not {self.pooling!r}")
        if self.training_dtype not in TRAINING_DTYPES:
            raise UserError(f"training_dtype must be one of {', '.join(TRAINING_DTYPES)}, not {self.training_dtype!r}")


def build(settings: MobileNetSettings, num_classes: int, front_end: LogMelSettings) -> keras.Model:
    """The network with random weights.

    Args:
        settings: Its shape.
        num_classes: Emotions to tell apart.
        front_end: Of the log-mel spectrograms it will be given.

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
