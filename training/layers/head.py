"""The head of convolutional networks that process windows of a fixed length: from their feature maps to emotions."""

from dataclasses import dataclass

import keras
from keras import layers

from data_pipeline.audio.log_mel import LogMelSettings
from training.layers.pooling import AttentiveStatisticsPooling
from training.layers.windows import WindowFrames, WindowMean, Windows

BACKBONE = "backbone"
"""Name of the layer that processes windows."""


@dataclass(frozen=True, slots=True)
class WindowedHead:
    """The shape of a head.

    Attributes:
        window_frames: Length of the backbone's windows in frames.
        stride: Number of input frames per frame of the feature maps.
        pooling: Pooling over time, see `training.layers.choices`.
        hidden: Number of units of the first dense layer.
        dropout: Dropout rate after the embedding and after the first dense layer.
    """

    window_frames: int
    stride: int
    pooling: str
    hidden: int
    dropout: float


def classify_windows(
    backbone: keras.Model, head: WindowedHead, num_classes: int, front_end: LogMelSettings, name: str
) -> keras.Model:
    """A classifier of clips of any length.

    Args:
        backbone: A model with the name `BACKBONE`, from windows [n, frames, bands, 1] to feature maps [n, frames /
            stride, bands, channels].
        head: Shape of the head.
        num_classes: Number of classes.
        front_end: Settings of the log-mel spectrograms.
        name: Name of the model.

    Returns:
        A model from `{"log_mel": float32 [batch, frames, bands], "num_frames": int32 [batch]}` to probabilities,
        float32 [batch, classes]. Frames after `num_frames` never change them.
    """
    log_mel = keras.Input((None, front_end.num_bands), name="log_mel")
    num_frames = keras.Input((), dtype="int32", name="num_frames")
    maps = backbone(Windows(head.window_frames, front_end.floor, name="windows")(log_mel, num_frames))
    if head.pooling == "attentive":
        frames, valid = WindowFrames(head.window_frames, head.stride, name="frames")(maps, num_frames)
        x = AttentiveStatisticsPooling(name="embedding")(frames, valid)
    else:
        x = layers.GlobalAveragePooling2D(name="window_embedding")(maps)
        x = WindowMean(head.window_frames, name="embedding")(x, num_frames)
    x = layers.Dropout(head.dropout, name="embedding_dropout")(x)
    x = layers.Dense(head.hidden, activation="relu", name="hidden")(x)
    x = layers.Dropout(head.dropout, name="hidden_dropout")(x)
    probabilities = layers.Dense(num_classes, activation="softmax", name="emotion")(x)
    return keras.Model({"log_mel": log_mel, "num_frames": num_frames}, probabilities, name=name)
