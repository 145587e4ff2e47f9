"""Whisper's encoder without a head, from waveforms to frames."""

from dataclasses import asdict
from typing import Any

import keras
from keras import ops

from training.families.transformer.activation import activation_named, drop
from training.families.transformer.clip_windows import cut, of_the_clip
from training.families.transformer.dense import RowNormalisation
from training.families.transformer.layer import TransformerLayer, run_layers
from training.families.transformer.shape import TransformerShape
from training.families.whisper.log_mel import WhisperLogMel
from training.families.whisper.settings import STRIDE, WhisperSettings
from training.layers.convolution import convolve

_TAPS = 3


class WhisperBackbone(keras.Model):
    """Whisper's encoder (Radford et al. 2022, arXiv:2212.04356): from waveforms at 16 kHz to frames, one every 20 ms.

    The reference appends silence up to 30 s, and attends to all of it. Here, a clip is followed by 0.5 s of silence and
    attends to its own frames, at the first positions of the table. The output in a clip's frames depends neither on
    its padding nor on the other clips of the batch. A clip of 29.5 s has the output of the reference. Longer clips are
    cut into windows of that length, and no window hears the others.

    Args:
        settings: Shape of the network.
        rematerialise: While training, keep only the input of every encoder layer and compute the layer again for
            its gradient: less memory for a third more time.
        seed: Seed of dropout and LayerDrop.
        **kwargs: Arguments of `keras.Model`: `dtype` (a policy such as "mixed_bfloat16"; the spectrogram, norms and
            softmax stay in float32) and `name`.
    """

    def __init__(self, settings: WhisperSettings, rematerialise: bool = False, seed: int = 0, **kwargs):
        # Without `autocast=False`, a 16-bit policy would round the waveform before its spectrum is computed.
        super().__init__(autocast=False, **kwargs)
        self.settings = settings
        self.shape: TransformerShape = settings.transformer
        self.rematerialise = rematerialise
        self.seed = seed
        policy = self.dtype_policy
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.log_mel = WhisperLogMel(settings.num_mel_bins, name="log_mel")
        self.stem = WhisperStem(settings, dtype=policy, name="stem")
        self.encoder_layers = [
            TransformerLayer(self.shape, dtype=policy, name=f"layer_{index}")
            for index in range(settings.num_hidden_layers)
        ]
        self.stack_norm = RowNormalisation(self.shape.epsilon, dtype=policy, name="layer_norm")
        self.build()

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights, which do not depend on the shape of the input."""
        self.stem.build()
        shape = (None, None, self.settings.hidden_size)
        self.stack_norm.build(shape)
        for layer in self.encoder_layers:
            layer.build(shape)
        self.built = True

    def freeze_convolutions(self) -> None:
        """Freeze the convolutions and the table of positions."""
        self.stem.trainable = False

    def call(self, inputs, training=False):
        """Encode waveforms.

        Args:
            inputs: `waveform`, float32 [batch, samples] at 16 kHz, and `num_samples`, int32 [batch]. Samples after a
                clip's end are never read, not even NaN.
            training: Whether dropout and LayerDrop apply. A Python bool.

        Returns:
            `hidden_states`, num_hidden_layers + 1 arrays [batch, frames, hidden_size]: the input of the first layer,
            then the output of each layer; `last_hidden_state`, the last of them after the final norm; and `mask`, bool
            [batch, frames], true in a clip's frames, those of the silence after it among them. In other frames the
            values are finite and have no meaning.
        """
        waveform = ops.cast(inputs["waveform"], "float32")
        batch, samples = ops.shape(waveform)
        num_samples = ops.clip(ops.cast(inputs["num_samples"], "int32"), 0, samples)
        inside = ops.arange(samples, dtype="int32")[None, :] < num_samples[:, None]
        waveform = ops.where(inside, waveform, ops.zeros_like(waveform))
        waveform, num_samples, windows = cut(waveform, num_samples, self.settings.window)
        log_mel, num_frames = self.log_mel(waveform, num_samples)
        hidden = self.stem(log_mel, num_frames)
        num_frames = num_frames // STRIDE
        valid = ops.arange(ops.shape(hidden)[1], dtype="int32")[None, :] < num_frames[:, None]
        if training and self.settings.hidden_dropout:
            hidden = drop(hidden, self.settings.hidden_dropout, self.seed_generator.next())
        states = run_layers(
            self.encoder_layers, hidden, valid, self.shape, self.seed_generator, self.rematerialise, training
        )
        valid = of_the_clip(valid, num_samples, windows)

        def joined(frames):
            return ops.reshape(frames, (batch, -1, self.settings.hidden_size))

        return {
            "last_hidden_state": joined(self.stack_norm(states[-1])),
            "hidden_states": tuple(map(joined, states)),
            "mask": ops.reshape(valid, (batch, -1)),
        }

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, as `from_config` takes them."""
        return {
            "settings": asdict(self.settings),
            "rematerialise": self.rematerialise,
            "seed": self.seed,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "WhisperBackbone":
        """Create the network that `get_config` describes, with new weights."""
        del custom_objects
        policy = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**{**config, "settings": WhisperSettings(**config["settings"]), "dtype": policy})


class WhisperStem(keras.layers.Layer):
    """Two convolutions over time, each with an activation, and the table of positions."""

    def __init__(self, settings: WhisperSettings, **kwargs):
        super().__init__(**kwargs)
        self.settings = settings
        self.activation = activation_named(settings.hidden_act)
        self.first = self._convolution(1, "first")
        self.second = self._convolution(STRIDE, "second")

    def _convolution(self, stride: int, name: str) -> keras.layers.Conv1D:
        return keras.layers.Conv1D(self.settings.hidden_size, _TAPS, strides=stride, dtype=self.dtype_policy, name=name)

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the weights of the convolutions and the table, [positions, size]."""
        size = self.settings.hidden_size
        self.first.build((None, None, self.settings.num_mel_bins))
        self.second.build((None, None, size))
        self.positions = self.add_weight(
            name="positions", shape=(self.settings.max_source_positions, size), initializer=_sinusoids
        )

    def call(self, log_mel, num_frames):
        """Compute the input of the first transformer layer.

        Args:
            log_mel: float32 [batch, frames, bands], zero after each clip's own frames.
            num_frames: int32 [batch], even.

        Returns:
            [batch, frames / 2, size].
        """
        hidden = self._convolve(ops.cast(log_mel, self.compute_dtype), self.first)
        # The reference's second convolution finds zeros after the last frame; here the bias would be there.
        own = ops.arange(ops.shape(hidden)[1], dtype="int32")[None, :] < num_frames[:, None]
        hidden = ops.where(own[:, :, None], hidden, ops.zeros_like(hidden))
        hidden = self._convolve(hidden, self.second)
        return hidden + ops.cast(self.positions[: ops.shape(hidden)[1]], self.compute_dtype)[None]

    def _convolve(self, frames, convolution: keras.layers.Conv1D):
        kernel = ops.cast(convolution.kernel, self.compute_dtype)
        bias = ops.cast(convolution.bias, self.compute_dtype)
        padded = ops.pad(frames, [[0, 0], [1, 1], [0, 0]])
        return self.activation(convolve(padded, kernel, strides=list(convolution.strides)) + bias)


def _sinusoids(shape, dtype=None):
    """The table of positions that checkpoints begin with: sines, then cosines, of wavelengths from 2 pi to 20,000 pi.

    As in the reference; Vaswani et al. 2017, arXiv:1706.03762, section 3.5, has them alternate.
    """
    positions, size = shape
    half = size // 2
    rates = ops.exp(-ops.log(10_000.0) / max(half - 1, 1) * ops.arange(half, dtype="float32"))
    angles = ops.arange(positions, dtype="float32")[:, None] * rates[None, :]
    table = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=1)
    return ops.cast(ops.pad(table, [[0, 0], [0, size - 2 * half]]), dtype or "float32")
