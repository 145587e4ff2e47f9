"""Layers that process whole clips window by window, so that padding never changes the result of convolutions.

With `same` padding, a convolution mixes the padding after a clip into the clip's last frames. Here, a clip is cut into
windows of a fixed length, and all frames after its end are set to the value of silence. The network processes each
window separately. The results are pooled: either the mean of the windows' embeddings, weighted by the number of the
clip's frames in each window, or attention over the clip's own frames. The input of a window depends on the clip only,
and windows without frames of the clip have the weight 0. The result is therefore the same alone and in any batch.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser")
class Windows(keras.layers.Layer):
    """Cuts log-mel spectrograms into windows without overlap.

    Args:
        frames: int. Length of a window in frames.
        floor: float. The log-mel value of silence, which replaces all frames after a clip's end.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        log_mel: float [batch, frames, bands], with any number of frames.
        num_frames: int [batch], the number of the clip's frames.

    Returns:
        float [batch * windows, window, bands, 1], with the windows of a clip one after the other.
    """

    def __init__(self, frames: int, floor: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.frames = frames
        self.floor = floor

    def call(self, log_mel, num_frames):
        """Cut into windows, with silence after the clip's end."""
        total, bands = ops.shape(log_mel)[1], log_mel.shape[2]
        count = (total + self.frames - 1) // self.frames
        position = ops.arange(count * self.frames, dtype="int32")
        padded = ops.take(log_mel, ops.minimum(position, total - 1), axis=1)
        inside = position[None, :, None] < ops.cast(num_frames, "int32")[:, None, None]
        silenced = ops.where(inside, padded, ops.cast(self.floor, padded.dtype))
        return ops.reshape(silenced, (-1, self.frames, bands, 1))

    def compute_output_shape(self, log_mel_shape, num_frames_shape):  # noqa: ARG002  Keras passes both
        """Shape with an unknown number of windows."""
        return (None, self.frames, log_mel_shape[2], 1)

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "frames": self.frames, "floor": self.floor}


@keras.saving.register_keras_serializable("ser")
class WindowMean(keras.layers.Layer):
    """The mean of the embeddings of a clip's windows, weighted by the number of the clip's frames in each window.

    Args:
        frames: int. Length of a window in frames, as for `Windows`.
        **kwargs: Arguments of `keras.layers.Layer`.

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
        """Compute the weighted mean over the windows of each clip."""
        size = embeddings.shape[-1]
        embeddings = ops.reshape(embeddings, (ops.shape(num_frames)[0], -1, size))
        start = ops.arange(ops.shape(embeddings)[1], dtype="int32") * self.frames
        contained = ops.clip(ops.cast(num_frames, "int32")[:, None] - start[None, :], 0, self.frames)
        weights = ops.cast(contained, embeddings.dtype)[:, :, None]
        return ops.sum(embeddings * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1)

    def compute_output_shape(self, embeddings_shape, num_frames_shape):
        """Shape of one embedding per clip."""
        return (num_frames_shape[0], embeddings_shape[-1])

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable("ser")
class WindowFrames(keras.layers.Layer):
    """Joins the feature maps of a clip's windows to one sequence of frames.

    Args:
        frames: int. Length of a window in frames, as for `Windows`.
        stride: int. Number of input frames per frame of the feature maps.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        maps: float [batch * windows, frames, bands, size].
        num_frames: int [batch].

    Returns:
        float [batch, windows * frames, size], the mean over the bands, and bool [batch, windows * frames], true for
        frames that start before the clip's end.
    """

    def __init__(self, frames: int, stride: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.frames = frames
        self.stride = stride

    def call(self, maps, num_frames):
        """Join the windows, and find the clip's own frames."""
        length, size = maps.shape[1], maps.shape[3]
        frames = ops.reshape(ops.mean(maps, axis=2), (ops.shape(num_frames)[0], -1, size))
        index = ops.arange(ops.shape(frames)[1], dtype="int32")
        start = index // length * self.frames + index % length * self.stride
        return frames, start[None, :] < ops.cast(num_frames, "int32")[:, None]

    def compute_output_spec(self, maps, num_frames):
        """Shape with an unknown number of windows."""
        batch = num_frames.shape[0]
        return (
            keras.KerasTensor((batch, None, maps.shape[3]), maps.dtype),
            keras.KerasTensor((batch, None), "bool"),
        )

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "frames": self.frames, "stride": self.stride}
