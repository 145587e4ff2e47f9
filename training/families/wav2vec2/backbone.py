"""wav2vec 2.0 or HuBERT without a head: the parts of the network in their order."""

from dataclasses import asdict
from typing import Any

import keras
from keras import ops

from training.families.transformer.layer import TransformerLayer
from training.families.transformer.shape import TransformerShape
from training.families.wav2vec2.encoder import Encoder
from training.families.wav2vec2.feature_encoder import FeatureEncoder, FeatureProjection, WaveformNormalisation
from training.families.wav2vec2.masking import SpecAugment
from training.families.wav2vec2.settings import Wav2Vec2Settings


class Wav2Vec2Backbone(keras.Model):
    """wav2vec 2.0 or HuBERT without a head: from waveforms at 16 kHz to frames, one every 20 ms.

    The output in a clip's valid frames depends neither on its padding nor on the other clips of the batch. Without
    padding it equals that of the reference implementation.

    Args:
        settings: Shape of the network.
        rematerialise: While training, keep only the input of every encoder layer and compute the layer again for
            its gradient: less memory for a third more time.
        folded: Hold the kernel of the positional convolution itself instead of its length and direction: the same
            answers from fewer operations, for export.
        seed: Seed of dropout, LayerDrop and masking.
        **kwargs: Arguments of `keras.Model`: `dtype` (a policy such as "mixed_bfloat16"; norms, softmax and the
            waveform stay in float32) and `name`.
    """

    def __init__(
        self,
        settings: Wav2Vec2Settings,
        rematerialise: bool = False,
        folded: bool = False,
        seed: int = 0,
        **kwargs,
    ):
        # Without `autocast=False`, a 16-bit policy would round the waveform before it is normalised.
        super().__init__(autocast=False, **kwargs)
        self.settings = settings
        self.rematerialise = rematerialise
        self.folded = folded
        self.seed = seed
        policy = self.dtype_policy
        self.normalisation = WaveformNormalisation(settings.do_normalize, name="normalisation")
        self.feature_encoder = FeatureEncoder(settings, dtype=policy, name="feature_encoder")
        self.feature_projection = FeatureProjection(settings, dtype=policy, name="feature_projection")
        self.masking = SpecAugment(settings, seed, dtype=policy, name="masking")
        self.encoder = Encoder(settings, rematerialise, folded, seed + 1, dtype=policy, name="encoder")
        self.build()

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights, which do not depend on the shape of the input."""
        for layer in (self.feature_encoder, self.feature_projection, self.masking, self.encoder):
            layer.build(None)
        self.built = True

    @property
    def encoder_layers(self) -> list[TransformerLayer]:
        """The encoder's layers, from first to last."""
        return self.encoder.encoder_layers

    @property
    def shape(self) -> TransformerShape:
        """Shape of the encoder's layers."""
        return self.encoder.shape

    @property
    def stack_norm(self) -> keras.layers.Layer:
        """The norm above all layers, or below them where norms come last."""
        return self.encoder.layer_norm

    def freeze_convolutions(self) -> None:
        """Freeze the convolutions, as fine-tuning usually does."""
        self.feature_encoder.trainable = False

    def call(self, inputs, training=False):
        """Encode waveforms.

        Args:
            inputs: `waveform`, float32 [batch, samples] at 16 kHz, and `num_samples`, int32 [batch]. Samples
                after a clip's end are never read, not even NaN. The batch must be long enough for one frame
                (400 samples); a shorter clip within it has no valid frame.
            training: Whether dropout, LayerDrop and masking apply. A Python bool.

        Returns:
            `last_hidden_state` [batch, frames, hidden_size]; `hidden_states`, num_hidden_layers + 1 such arrays:
            the input of the first layer, then the output of each layer (`last_hidden_state` is the last of them or,
            with `do_stable_layer_norm`, as in the reference, the last of them after the final norm); and `mask`,
            bool [batch, frames], true in valid frames. In other frames the values are finite and have no meaning.
        """
        waveform = ops.cast(inputs["waveform"], "float32")
        num_samples = ops.minimum(ops.cast(inputs["num_samples"], "int32"), ops.shape(waveform)[1])
        waveform = self.normalisation(waveform, num_samples)
        features = self.feature_encoder(waveform, num_samples, training=training)
        num_frames = ops.maximum(self.settings.frames(num_samples), 0)
        valid = ops.arange(ops.shape(features)[1], dtype="int32")[None, :] < num_frames[:, None]
        hidden = self.feature_projection(features, training=training)
        hidden = self.masking(hidden, num_frames, training=training)
        answer, states = self.encoder(hidden, valid, training=training)
        return {"last_hidden_state": answer, "hidden_states": states, "mask": valid}

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, as `from_config` takes them."""
        return {
            "settings": asdict(self.settings),
            "rematerialise": self.rematerialise,
            "folded": self.folded,
            "seed": self.seed,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Wav2Vec2Backbone":
        """Create the network that `get_config` describes, with new weights."""
        del custom_objects
        settings = Wav2Vec2Settings.from_config(config["settings"], config["settings"]["do_normalize"])
        policy = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**{**config, "settings": settings, "dtype": policy})
