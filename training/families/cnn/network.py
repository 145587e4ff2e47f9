"""A small convolutional network: a baseline that pretrained networks have to beat."""

import keras
from keras import layers

from data_pipeline.audio.log_mel_settings import LogMelSettings
from training.families.cnn.recipe import CnnSettings
from training.layers.convolution import MixedConv
from training.layers.fused_batch_norm import FusedBatchNorm
from training.layers.head import WindowedHead, classify_windows


def build(settings: CnnSettings, num_classes: int, front_end: LogMelSettings) -> keras.Model:
    """The network with random weights.

    Args:
        settings: Shape of the network.
        num_classes: Number of emotions.
        front_end: Settings of the log-mel spectrograms that it receives.

    Returns:
        See `head.classify_windows`.
    """
    window = keras.Input((settings.window_frames, front_end.num_bands, 1), name="window")
    x = window
    for number, filters in enumerate(settings.filters, start=1):
        convolution = MixedConv(
            filters, 3, padding="same", use_bias=False, training_dtype=settings.training_dtype, name=f"conv{number}"
        )
        x = convolution(x)
        x = FusedBatchNorm(momentum=settings.norm_momentum, name=f"conv{number}_bn")(x)
        x = layers.ReLU(name=f"conv{number}_relu")(x)
        x = layers.MaxPooling2D(padding="same", name=f"pool{number}")(x)
    backbone = keras.Model(window, x, name="backbone")
    stride = 2 ** len(settings.filters)
    head = WindowedHead(settings.window_frames, stride, settings.pooling, settings.hidden, settings.dropout)
    return classify_windows(backbone, head, num_classes, front_end, "cnn")
