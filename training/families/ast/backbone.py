"""The Audio Spectrogram Transformer without a head, from waveforms to patches."""

from dataclasses import asdict
from typing import Any

import keras
from keras import ops

from training.families.ast.filter_bank import FilterBank
from training.families.ast.settings import AstSettings
from training.families.transformer.activation import drop
from training.families.transformer.clip_windows import cut, of_the_clip
from training.families.transformer.dense import RowNormalisation
from training.families.transformer.layer import TransformerLayer, run_layers
from training.families.transformer.shape import TransformerShape
from training.layers.convolution import convolve

_TOKENS = 2
"""The class token and the distillation token."""


class AstBackbone(keras.Model):
    """The Audio Spectrogram Transformer (Gong et al. 2021, arXiv:2104.01778): from waveforms at 16 kHz to patches.

    The reference appends zeros to the log-mels up to 1,024 frames, and attends to all of it. Here, a clip has as many
    patches as its frames fill, at the first positions of each band, and attends to its own patches. The output in them
    depends neither on padding nor on the other clips of the batch. A clip of 1,024 frames (10.3 s) has the output of
    the reference. Longer clips are cut into windows of that length, and no window sees the others.

    Args:
        settings: Shape of the network.
        rematerialise: While training, keep only the input of every layer and compute the layer again for its gradient:
            less memory for a third more time.
        seed: Seed of dropout.
        **kwargs: Arguments of `keras.Model`: `dtype` (a policy such as "mixed_bfloat16"; the spectrogram, norms and
            softmax stay in float32) and `name`.
    """

    def __init__(self, settings: AstSettings, rematerialise: bool = False, seed: int = 0, **kwargs):
        # Without `autocast=False`, a 16-bit policy would round the waveform before its spectrum is computed.
        super().__init__(autocast=False, **kwargs)
        self.settings = settings
        self.shape: TransformerShape = settings.transformer
        self.rematerialise = rematerialise
        self.seed = seed
        policy = self.dtype_policy
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.filter_bank = FilterBank(settings, name="filter_bank")
        self.patches = Patches(settings, dtype=policy, name="patches")
        self.encoder_layers = [
            TransformerLayer(self.shape, dtype=policy, name=f"layer_{index}")
            for index in range(settings.num_hidden_layers)
        ]
        self.stack_norm = RowNormalisation(self.shape.epsilon, dtype=policy, name="layer_norm")
        self.build()

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights, which do not depend on the shape of the input."""
        self.patches.build()
        shape = (None, None, self.settings.hidden_size)
        self.stack_norm.build(shape)
        for layer in self.encoder_layers:
            layer.build(shape)
        self.built = True

    def freeze_convolutions(self) -> None:
        """Freeze what makes patches, their positions and the two tokens."""
        self.patches.trainable = False

    def call(self, inputs, training=False):
        """Encode waveforms.

        Args:
            inputs: `waveform`, float32 [batch, samples] at 16 kHz, and `num_samples`, int32 [batch]. Samples after a
                clip's end are never read, not even NaN.
            training: Whether dropout applies. A Python bool.

        Returns:
            `hidden_states`, num_hidden_layers + 1 arrays [batch, tokens, hidden_size]: the input of the first layer,
            then the output of each layer; `last_hidden_state`, the last of them after the final norm; and `mask`, bool
            [batch, tokens], true in a clip's tokens: class, distillation, then its patches, band by band. In other
            tokens the values are finite and have no meaning.
        """
        waveform = ops.cast(inputs["waveform"], "float32")
        batch, samples = ops.shape(waveform)
        num_samples = ops.clip(ops.cast(inputs["num_samples"], "int32"), 0, samples)
        inside = ops.arange(samples, dtype="int32")[None, :] < num_samples[:, None]
        waveform = ops.where(inside, waveform, ops.zeros_like(waveform))
        waveform, num_samples, windows = cut(waveform, num_samples, self.settings.window)
        hidden, valid = self.patches(*self.filter_bank(waveform, num_samples))
        if training and self.shape.hidden_dropout:
            hidden = drop(hidden, self.shape.hidden_dropout, self.seed_generator.next())
        states = run_layers(
            self.encoder_layers, hidden, valid, self.shape, self.seed_generator, self.rematerialise, training
        )
        valid = of_the_clip(valid, num_samples, windows)

        def joined(tokens):
            return ops.reshape(tokens, (batch, -1, self.settings.hidden_size))

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
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "AstBackbone":
        """Create the network that `get_config` describes, with new weights."""
        del custom_objects
        policy = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**{**config, "settings": AstSettings(**config["settings"]), "dtype": policy})


class Patches(keras.layers.Layer):
    """Overlapping patches of a spectrogram as vectors, with their positions, behind two tokens."""

    def __init__(self, settings: AstSettings, **kwargs):
        super().__init__(**kwargs)
        self.settings = settings
        self.projection = keras.layers.Conv2D(
            settings.hidden_size,
            settings.patch_size,
            strides=(settings.time_stride, settings.frequency_stride),
            dtype=self.dtype_policy,
            name="projection",
        )

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the weights."""
        settings = self.settings
        self.projection.build((None, None, settings.num_mel_bins, 1))
        places = _TOKENS + settings.bands_of_patches * settings.most_patches
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.positions = self.add_weight(
            name="positions", shape=(1, places, settings.hidden_size), initializer=initializer
        )
        self.class_token, self.distillation_token = (
            self.add_weight(name=name, shape=(1, 1, settings.hidden_size), initializer=initializer)
            for name in ("class_token", "distillation_token")
        )

    def call(self, log_mel, num_frames):
        """Compute the input of the first transformer layer.

        Args:
            log_mel: float32 [batch, frames, bands].
            num_frames: int32 [batch], the number of each clip's own frames.

        Returns:
            [batch, tokens, size], and bool [batch, tokens], true in each clip's tokens.
        """
        settings, size, bands = self.settings, self.settings.hidden_size, self.settings.bands_of_patches
        batch, frames = ops.shape(log_mel)[:2]
        across = self._across(frames)
        needed = (across - 1) * settings.time_stride + settings.patch_size
        # After the clip's end, the reference has zeros before the normalisation.
        filler = -settings.mean / (2 * settings.std)
        missing = needed - frames
        missing = max(missing, 0) if isinstance(missing, int) else ops.maximum(missing, 0)
        padded = ops.pad(log_mel, [[0, 0], [0, missing], [0, 0]], constant_values=filler)[:, :needed]
        kernel = ops.cast(self.projection.kernel, self.compute_dtype)
        projected = convolve(
            ops.cast(padded, self.compute_dtype)[..., None], kernel, strides=list(self.projection.strides)
        ) + ops.cast(self.projection.bias, self.compute_dtype)
        # Band by band, as the table of positions has them.
        patches = ops.reshape(ops.transpose(projected, (0, 2, 1, 3)), (batch, -1, size))
        positions = ops.cast(self.positions, self.compute_dtype)
        table = ops.reshape(positions[:, _TOKENS:], (1, bands, settings.most_patches, size))[:, :, :across]
        patches = patches + ops.reshape(table, (1, -1, size))
        tokens = ops.concatenate([self.class_token, self.distillation_token], axis=1)
        tokens = ops.cast(tokens, self.compute_dtype) + positions[:, :_TOKENS]
        own = ops.arange(across, dtype="int32")[None, :] < self._across(num_frames)[:, None]
        valid = ops.concatenate([ops.ones((batch, _TOKENS), "bool"), ops.tile(own, (1, bands))], axis=1)
        return ops.concatenate([ops.tile(tokens, (batch, 1, 1)), patches], axis=1), valid

    def _across(self, frames):
        """Number of patches beside one another that hold all of so many frames."""
        settings = self.settings
        count = (frames - settings.patch_size + settings.time_stride - 1) // settings.time_stride + 1
        if isinstance(count, int):
            return min(max(count, 1), settings.most_patches)
        return ops.clip(count, 1, settings.most_patches)
