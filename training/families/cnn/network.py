"""A small convolutional network without a history: the line that pretrained networks have to stay above."""

from dataclasses import dataclass

import keras
from keras import layers

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.errors import UserError
from training.layers.fused_batch_norm import FusedBatchNorm
from training.layers.head import POOLINGS, WindowedHead, classify_windows
from training.layers.mixed_conv import TRAINING_DTYPES, MixedConv


@dataclass(frozen=True, slots=True)
class CnnSettings:
    """What defines the network.

    Attributes:
        filters: Of each block: a 3 x 3 convolution, batch norm, ReLU, and the largest of 2 x 2.
        window_frames: Length of a window; 298 frames are 3 s.
        pooling: Over time, see `head.POOLINGS`.
        hidden: Units of the first dense layer.
        dropout: Rate after the embedding and after the first dense layer.
        norm_momentum: Of the batch norms' moving statistics.
        training_dtype: Of the convolutions' products while training, one of `TRAINING_DTYPES`.
    """

    filters: tuple[int, ...] = (16, 32, 64, 128)
    window_frames: int = 298
    pooling: str = "mean"
    hidden: int = 128
    dropout: float = 0.3
    norm_momentum: float = 0.9
    training_dtype: str = "float32"

    def __post_init__(self) -> None:
        if not self.filters or min(self.filters) < 1:
            raise UserError(f"filters are {self.filters!r}: give one number above 0 for each block")
        if self.pooling not in POOLINGS:
            raise UserError(f"pooling must be one of {', '.join(POOLINGS)}, not {self.pooling!r}")
        if self.training_dtype not in TRAINING_DTYPES:
            raise UserError(f"training_dtype must be one of {', '.join(TRAINING_DTYPES)}, not {self.training_dtype!r}")


def build(settings: CnnSettings, num_classes: int, front_end: LogMelSettings) -> keras.Model:
    """The network with random weights.

    Args:
        settings: Its shape.
        num_classes: Emotions to tell apart.
        front_end: Of the log-mel spectrograms it will be given.

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
