"""From windows to emotions: what stands on a convolutional network that sees windows of a fixed length."""

from dataclasses import dataclass

import keras
from keras import layers

from data_pipeline.audio.log_mel import LogMelSettings
from training.layers.pooling import AttentiveStatisticsPooling
from training.layers.windows import WindowFrames, WindowMean, Windows

BACKBONE = "backbone"
"""Name of the layer that sees windows."""


@dataclass(frozen=True, slots=True)
class WindowedHead:
    """What stands on a backbone.

    Attributes:
        window_frames: Length of the windows that the backbone sees.
        stride: Input frames from one frame of its feature maps to the next.
        pooling: Pooling over time, see `training.layers.choices`.
        hidden: Units of the first dense layer.
        dropout: Rate after the embedding and after the first dense layer.
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
        backbone: Named `BACKBONE`; from windows [n, frames, bands, 1] to feature maps [n, frames / stride, bands,
            channels].
        head: What stands on it.
        num_classes: How many classes there are.
        front_end: Of the log-mel spectrograms that it will be given.
        name: Of the model.

    Returns:
        A model from `{"log_mel": float32 [batch, frames, bands], "num_frames": int32 [batch]}` to probabilities
        float32 [batch, classes]. Frames past `num_frames` never change its answer.
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
