"""From waveforms to frames for the encoder: normalisation, strided convolutions, projection."""

import math

import keras
from keras import ops

from training.accelerator import tensorflow_on_processor
from training.families.transformer.activation import activation_named, bare_gelu
from training.families.transformer.dense import RowNormalisation
from training.families.wav2vec2.kernels.convolution import StridedConvolution, fits_rows, normalised_convolution
from training.families.wav2vec2.settings import Wav2Vec2Settings
from training.layers.convolution import Conv1D

VARIANCE_FLOOR = 1e-7

# The reference uses its library's default here and ignores `layer_norm_eps`.
EPSILON = 1e-5


class WaveformNormalisation(keras.layers.Layer):
    """Normalises each waveform to zero mean and unit variance over its own samples, and zeroes its padding.

    Always in float32: 16 bits would lose the quiet parts of a recording.
    """

    def __init__(self, enabled: bool = True, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.enabled = enabled

    def call(self, waveform, num_samples):
        """Normalise waveforms.

        Args:
            waveform: float32 [batch, samples]. Samples after a clip's end may be anything, NaN and infinity included.
            num_samples: int32 [batch], the length of each clip in samples.

        Returns:
            float32 [batch, samples], zero after each clip's end.
        """
        valid = ops.arange(ops.shape(waveform)[1], dtype="int32")[None, :] < num_samples[:, None]
        zero = ops.zeros_like(waveform)
        # A product with a mask would keep NaN and infinity.
        waveform = ops.where(valid, waveform, zero)
        if not self.enabled:
            return waveform
        count = ops.cast(ops.maximum(num_samples, 1), "float32")[:, None]
        centred = ops.where(valid, waveform - ops.sum(waveform, axis=1, keepdims=True) / count, zero)
        variance = ops.sum(ops.square(centred), axis=1, keepdims=True) / count
        return centred * ops.rsqrt(variance + VARIANCE_FLOOR)


class MaskedGroupNormalisation(keras.layers.Layer):
    """Normalises every channel over the valid frames of its own clip, so that padding does not change the output."""

    def __init__(self, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.epsilon = EPSILON

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create scale and offset, [channels] each."""
        self.gamma = self.add_weight(name="gamma", shape=(self.channels,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(self.channels,), initializer="zeros")

    def call(self, inputs, num_frames):
        """Normalise frames.

        Args:
            inputs: [batch, frames, channels], finite everywhere.
            num_frames: int32 [batch], the number of valid frames of each clip.

        Returns:
            [batch, frames, channels] in the compute dtype.
        """
        inputs = ops.cast(inputs, "float32")
        valid = ops.arange(ops.shape(inputs)[1], dtype="int32")[None, :] < num_frames[:, None]
        # The mean over valid frames, as a product with these weights: one pass over the network's largest array.
        weights = ops.cast(valid, "float32") / ops.cast(ops.maximum(num_frames, 1), "float32")[:, None]
        weights = weights[:, None, :]
        mean = ops.matmul(weights, inputs)
        variance = ops.matmul(weights, ops.square(inputs - mean))
        scale = ops.cast(self.gamma, "float32") * ops.rsqrt(variance + self.epsilon)
        # With one scale and one offset per channel of a clip, no centred copy of the largest array has to be kept.
        offset = ops.cast(self.beta, "float32") - mean * scale
        return ops.cast(inputs * scale + offset, self.compute_dtype)


class FeatureEncoder(keras.layers.Layer):
    """The strided convolutions that turn a waveform into frames of 25 ms, one every 20 ms.

    The convolutions do not pad: a clip's valid frames depend on its own samples only. For the same reason, the group
    norm of the first layer uses valid frames only.
    """

    def __init__(self, settings: Wav2Vec2Settings, **kwargs):
        # 16 bits are too few for a waveform, and `_chain` uses it as it is.
        super().__init__(autocast=False, **kwargs)
        self.settings = settings
        self.activation = activation_named(settings.feat_extract_activation)
        # All convolutions or none, because each receives all rows that the one before computes. The first one has a
        # single input channel: as a product it would consist of copying.
        self.by_rows = keras.backend.backend() == "tensorflow" and all(
            map(fits_rows, settings.conv_kernel[1:], settings.conv_stride[1:])
        )
        self.convolutions = []
        self.norms = []
        for index, (channels, kernel, stride) in enumerate(
            zip(settings.conv_dim, settings.conv_kernel, settings.conv_stride, strict=True)
        ):
            kind = StridedConvolution if index and self.by_rows else Conv1D
            self.convolutions.append(
                kind(
                    channels,
                    kernel,
                    stride,
                    use_bias=settings.conv_bias,
                    kernel_initializer="he_normal",
                    dtype=self.dtype_policy,
                    name=f"convolution_{index}",
                )
            )
            if settings.feat_extract_norm == "layer":
                self.norms.append(RowNormalisation(EPSILON, dtype=self.dtype_policy, name=f"norm_{index}"))
            elif index == 0:
                self.norms.append(MaskedGroupNormalisation(channels, dtype=self.dtype_policy, name="norm_0"))

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights."""
        channels = 1
        for index, convolution in enumerate(self.convolutions):
            convolution.build((None, None, channels))
            channels = self.settings.conv_dim[index]
            if index < len(self.norms):
                self.norms[index].build((None, None, channels))

    def call(self, waveform, num_samples, training=False):
        """Encode waveforms.

        Args:
            waveform: [batch, samples], zero after each clip's end.
            num_samples: int32 [batch], the length of each clip in samples.
            training: Whether a gradient may be computed.

        Returns:
            [batch, frames, channels of the last layer]; values after a clip's end are finite and have no meaning.
        """
        frames = self.settings.frames(ops.shape(waveform)[1])
        hidden = self._whole_rows(waveform)
        if self._chained():
            hidden = self._chain(hidden, num_samples, training and self.trainable)
        else:
            for index in range(len(self.convolutions)):
                hidden = self.activation(self._normalised(index, hidden, num_samples))
        return hidden[:, :frames]

    def _chained(self) -> bool:
        """Whether only GELU is between the convolutions, and TensorFlow computes on a CPU."""
        settings = self.settings
        plain = settings.feat_extract_norm == "group" and not settings.conv_bias
        return plain and settings.feat_extract_activation == "gelu" and self.by_rows and tensorflow_on_processor()

    def _chain(self, waveform, num_samples, learning: bool):
        """The output of all convolutions, with the constants of GELU in their kernels."""
        first, *others = self.convolutions
        root = 0.5**0.5
        hidden = normalised_convolution(waveform, self.settings.frames(num_samples, 1), first, self.norms[0], root)
        hidden = bare_gelu(ops.cast(hidden, self.compute_dtype), learning)
        for convolution in others:
            hidden = bare_gelu(convolution(hidden, factor=root * root), learning)
        return hidden * ops.cast(root, hidden.dtype)

    def _normalised(self, index: int, hidden, num_samples):
        """The output of a convolution and of its norm, if it has one."""
        convolution, norm = self.convolutions[index], self.norms[index] if index < len(self.norms) else None
        hidden = convolution(hidden[:, :, None] if index == 0 else hidden)
        if isinstance(norm, MaskedGroupNormalisation):
            return norm(hidden, self.settings.frames(num_samples, index + 1))
        return hidden if norm is None else norm(hidden)

    def _whole_rows(self, waveform):
        """The waveform, padded with silence so that every convolution receives a whole number of rows."""
        if not self.by_rows:
            return waveform
        (taps, *_), (stride, *others) = self.settings.conv_kernel, self.settings.conv_stride
        multiple = math.prod(others)
        samples = ops.shape(waveform)[1]
        frames = -(-self.settings.frames(samples, 1) // multiple) * multiple
        needed = (frames - 1) * stride + taps
        return ops.pad(waveform, [[0, 0], [0, ops.maximum(needed - samples, 0)]])


class FeatureProjection(keras.layers.Layer):
    """Projects the frames of the convolutions to the width of the encoder."""

    def __init__(self, settings: Wav2Vec2Settings, **kwargs):
        super().__init__(**kwargs)
        self.channels = settings.conv_dim[-1]
        self.layer_norm = None
        if settings.feat_proj_layer_norm:
            self.layer_norm = RowNormalisation(settings.layer_norm_eps, dtype=self.dtype_policy, name="layer_norm")
        self.projection = keras.layers.Dense(
            settings.hidden_size,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name="projection",
        )
        self.dropout = keras.layers.Dropout(settings.feat_proj_dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the weights of norm and projection."""
        if self.layer_norm is not None:
            self.layer_norm.build((None, None, self.channels))
        self.projection.build((None, None, self.channels))

    def call(self, features, training=False):
        """Project frames.

        Args:
            features: [batch, frames, channels].
            training: Whether dropout applies.

        Returns:
            [batch, frames, hidden_size].
        """
        if self.layer_norm is not None:
            features = self.layer_norm(features)
        # With two dimensions, TensorFlow's graph optimiser fuses product and bias.
        projected = self.projection(ops.reshape(features, (-1, self.channels)))
        return self.dropout(
            ops.reshape(projected, (*ops.shape(features)[:2], self.projection.units)), training=training
        )
