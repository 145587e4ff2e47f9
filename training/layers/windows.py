"""Whole clips through a convolutional network, window by window, so that padding never changes an answer.

A convolution with `same` padding lets what follows a clip leak into its last frames. Here a clip is cut into windows
of a fixed length, everything past its end is replaced by the value of silence, each window goes through the network
by itself, and what it makes of them is pooled: the windows' embeddings are averaged, weighted by how much of the clip
each holds, or attention is paid to the frames that are the clip's. A window's input depends on the clip alone, and a
window with none of it weighs nothing: the answer is the same alone or in any batch.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser")
class Windows(keras.layers.Layer):
    """Cuts log-mel spectrograms into windows that do not overlap.

    Args:
        frames: int. Length of a window.
        floor: float. The log-mel value of silence; it replaces everything past a clip's end.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        log_mel: float [batch, frames, bands], of any number of frames.
        num_frames: int [batch], how many of them belong to the clip.

    Returns:
        float [batch * windows, window, bands, 1], the windows of a clip following each other.
    """

    def __init__(self, frames: int, floor: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.frames = frames
        self.floor = floor

    def call(self, log_mel, num_frames):
        """Cut, and silence what lies past the end."""
        total, bands = ops.shape(log_mel)[1], log_mel.shape[2]
        count = (total + self.frames - 1) // self.frames
        position = ops.arange(count * self.frames, dtype="int32")
        padded = ops.take(log_mel, ops.minimum(position, total - 1), axis=1)
        inside = position[None, :, None] < ops.cast(num_frames, "int32")[:, None, None]
        silenced = ops.where(inside, padded, ops.cast(self.floor, padded.dtype))
        return ops.reshape(silenced, (-1, self.frames, bands, 1))

    def compute_output_shape(self, log_mel_shape, num_frames_shape):  # noqa: ARG002  Keras passes both
        """The number of windows is known only when called."""
        return (None, self.frames, log_mel_shape[2], 1)

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "frames": self.frames, "floor": self.floor}


@keras.saving.register_keras_serializable("ser")
class WindowMean(keras.layers.Layer):
    """Averages the embeddings of a clip's windows, each weighted by how many of the clip's frames it holds.

    Args:
        frames: int. Length of a window, as given to `Windows`.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        embeddings: float [batch * windows, size].
        num_frames: int [batch].

    Returns:
        float [batch, size].
    """

    def __init__(self, frames: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, embeddings, num_frames):
        """Weighted mean over the windows of each clip."""
        size = embeddings.shape[-1]
        embeddings = ops.reshape(embeddings, (ops.shape(num_frames)[0], -1, size))
        start = ops.arange(ops.shape(embeddings)[1], dtype="int32") * self.frames
        held = ops.clip(ops.cast(num_frames, "int32")[:, None] - start[None, :], 0, self.frames)
        weights = ops.cast(held, embeddings.dtype)[:, :, None]
        return ops.sum(embeddings * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1)

    def compute_output_shape(self, embeddings_shape, num_frames_shape):
        """One embedding a clip."""
        return (num_frames_shape[0], embeddings_shape[-1])

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable("ser")
class WindowFrames(keras.layers.Layer):
    """Puts the feature maps of a clip's windows one after the other, as frames of one sequence.

    Args:
        frames: int. Length of a window, as given to `Windows`.
        stride: int. Input frames from one frame of the feature maps to the next.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        maps: float [batch * windows, frames, bands, size].
        num_frames: int [batch].

    Returns:
        float [batch, windows * frames, size], the mean over the bands, and bool [batch, windows * frames], which of
        them start before the clip's end.
    """

    def __init__(self, frames: int, stride: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.frames = frames
        self.stride = stride

    def call(self, maps, num_frames):
        """Join, and find what lies past the end."""
        length, size = maps.shape[1], maps.shape[3]
        frames = ops.reshape(ops.mean(maps, axis=2), (ops.shape(num_frames)[0], -1, size))
        index = ops.arange(ops.shape(frames)[1], dtype="int32")
        start = index // length * self.frames + index % length * self.stride
        return frames, start[None, :] < ops.cast(num_frames, "int32")[:, None]

    def compute_output_spec(self, maps, num_frames):
        """The number of windows is known only when called."""
        batch = num_frames.shape[0]
        return (
            keras.KerasTensor((batch, None, maps.shape[3]), maps.dtype),
            keras.KerasTensor((batch, None), "bool"),
        )

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "frames": self.frames, "stride": self.stride}
