from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
from keras import ops

from training.families.wav2vec2.encoder import Encoder, EncoderLayer
from training.families.wav2vec2.feature_encoder import FeatureEncoder, FeatureProjection, WaveformNormalisation
from training.families.wav2vec2.masking import SpecAugment
from training.families.wav2vec2.settings import Wav2Vec2Settings


class Wav2Vec2Backbone(keras.Model):
    """wav2vec 2.0 or HuBERT without a head: from waveforms at 16 kHz to frames, one every 20 ms.

    A clip's answer in its valid frames does not depend on the padding behind it, nor on the other clips of the
    batch; without padding it is the reference implementation's.

    Args:
        settings: The shape of the network.
        rematerialise: While training, keep only the input of every encoder layer and compute the layer again for
            its gradient: less memory for a third more time.
        folded: Hold the kernel of the positional convolution itself instead of its length and direction; see
            `fold_weight_norm`.
        seed: Where the randomness of training (dropout, LayerDrop, masking) starts.
        **kwargs: Of `keras.Model`: `dtype` (a policy such as "mixed_bfloat16"; norms, softmax and the waveform stay
            in float32) and `name`.
    """

    def __init__(
        self,
        settings: Wav2Vec2Settings,
        rematerialise: bool = False,
        folded: bool = False,
        seed: int = 0,
        **kwargs,
    ):
        # Without `autocast=False` a sixteen-bit policy would round the waveform before it is normalised.
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
        """Make every weight; the shape of the input plays no part."""
        for layer in (self.feature_encoder, self.feature_projection, self.masking, self.encoder):
            layer.build(None)
        self.built = True

    @property
    def encoder_layers(self) -> list[EncoderLayer]:
        """The encoder's layers from the first to the last, e.g. for learning rates that differ by layer."""
        return self.encoder.encoder_layers

    def freeze_feature_encoder(self) -> None:
        """Stop the training of the convolutions, as fine-tuning usually does."""
        self.feature_encoder.trainable = False

    def call(self, inputs, training=False):
        """Encode waveforms.

        Args:
            inputs: `waveform`, float32 [batch, samples] at 16 kHz, and `num_samples`, int32 [batch]. What stands
                behind a clip's end is never read, not even NaN. The batch must be long enough for one frame
                (400 samples); a shorter clip within it has no valid frame.
            training: Whether dropout, LayerDrop and masking apply. A Python bool.

        Returns:
            `last_hidden_state` [batch, frames, hidden_size]; `hidden_states`, num_hidden_layers + 1 such arrays:
            what the first layer is given, then the output of each layer (with `do_stable_layer_norm`, as in
            the reference, the last one is before the closing norm and `last_hidden_state` behind it; otherwise
            the two are the same); and `mask`, bool [batch, frames], true in valid frames. Elsewhere the arrays
            are finite and mean nothing.
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
        """What `from_config` needs to make the same network with fresh weights."""
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
        """The network that `get_config` described, with fresh weights."""
        del custom_objects
        settings = Wav2Vec2Settings.from_config(config["settings"], config["settings"]["do_normalize"])
        policy = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**{**config, "settings": settings, "dtype": policy})

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path, revision: str | None = None, **kwargs) -> "Wav2Vec2Backbone":
        """The network of a published or saved checkpoint, with its weights.

        Args:
            name_or_folder: A name on the Hugging Face hub, or a folder with the same files.
            revision: The revision to take; only for a name.
            **kwargs: As the constructor has them, without `settings`.

        Returns:
            The network.

        Raises:
            UserError: The checkpoint cannot be opened, is of another kind, or lacks a tensor.
        """
        from training.checkpoint import open_checkpoint
        from training.families.wav2vec2.state import load_state

        checkpoint = open_checkpoint(name_or_folder, revision)
        normalised = bool(checkpoint.feature_extractor.get("do_normalize", True))
        backbone = cls(Wav2Vec2Settings.from_config(checkpoint.config, normalised), **kwargs)
        load_state(backbone, checkpoint.arrays(), checkpoint.source)
        return backbone


def fold_weight_norm(backbone: Wav2Vec2Backbone) -> Wav2Vec2Backbone:
    """A copy whose positional convolution holds its kernel itself: the same answers from fewer steps, for export.

    Args:
        backbone: The network to copy, which stays as it is. Adapters (LoRA) are merged into the copy's kernels.

    Returns:
        The copy.
    """
    from training.families.wav2vec2.state import load_state, state_arrays

    folded = Wav2Vec2Backbone.from_config({**backbone.get_config(), "folded": True})
    load_state(folded, state_arrays(backbone), "the network to fold")
    return folded
