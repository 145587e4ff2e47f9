"""The classifier: the backbone and a head of layer mix, dense layer, pooling and output layer."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
from keras import ops

from training.families.wav2vec2.backbone import Wav2Vec2Backbone
from training.families.wav2vec2.learning import restrict
from training.families.wav2vec2.settings import HeadSettings, Wav2Vec2Settings
from training.families.wav2vec2.state import load_state, state_arrays
from training.layers.pooling import AttentiveStatisticsPooling, MeanPooling


@keras.saving.register_keras_serializable("ser")
class LayerMix(keras.layers.Layer):
    """A weighted sum of the hidden states of all layers, with learned weights that add up to one.

    The middle layers of a speech model tell most about emotion and the last ones least. Training finds the weights
    (Yang et al. 2021, SUPERB, arXiv:2105.01051, section 3.2).

    Args:
        count: Number of hidden states.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, count: int, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create the weights, [count], with equal values."""
        self.scores = self.add_weight(name="scores", shape=(self.count,), initializer="zeros")

    def call(self, states):
        """Compute the weighted sum.

        Args:
            states: `count` arrays [batch, frames, size].

        Returns:
            [batch, frames, size].
        """
        weights = ops.cast(ops.softmax(ops.cast(self.scores, "float32")), states[0].dtype)
        # Term by term, because a stack of the states would need their memory a second time.
        mixed = weights[0] * states[0]
        for index in range(1, self.count):
            mixed = mixed + weights[index] * states[index]
        return mixed

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {**super().get_config(), "count": self.count}


@keras.saving.register_keras_serializable("ser")
class Wav2Vec2Classifier(keras.Model):
    """wav2vec 2.0 or HuBERT with a classification head: from waveforms at 16 kHz to probabilities.

    The probabilities of a clip depend neither on its padding nor on the other clips of the batch.

    Args:
        settings: Shape of the backbone.
        num_classes: Number of classes.
        head: Shape of the head.
        learn: Which weights learn: `head`, `encoder`, `all` or `lora`, see `learning.LEARN`.
        lora_rank: Rank of the adapters if `learn` is `lora`.
        rematerialise: See `Wav2Vec2Backbone`.
        folded: See `Wav2Vec2Backbone`.
        seed: Seed of all dropout, LayerDrop and masking.
        **kwargs: See `Wav2Vec2Backbone`.
    """

    def __init__(
        self,
        settings: Wav2Vec2Settings,
        num_classes: int,
        head: HeadSettings | None = None,
        learn: str = "encoder",
        lora_rank: int = 8,
        rematerialise: bool = False,
        folded: bool = False,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.num_classes = num_classes
        self.head = head or HeadSettings()
        self.learn = learn
        self.lora_rank = lora_rank
        policy = self.dtype_policy
        self.backbone = Wav2Vec2Backbone(settings, rematerialise, folded, seed, dtype=policy, name="backbone")
        weighted = self.head.layers == "weighted"
        self.layer_mix = LayerMix(settings.num_hidden_layers + 1, dtype=policy, name="layer_mix") if weighted else None
        self.projection = (
            keras.layers.Dense(self.head.projection, activation="relu", dtype=policy, name="projection")
            if self.head.projection
            else None
        )
        pooling = AttentiveStatisticsPooling if self.head.pooling == "attentive" else MeanPooling
        self.pooling = pooling(dtype="float32", name="pooling")
        self.dropout = keras.layers.Dropout(self.head.dropout, seed=seed + 2, dtype="float32", name="dropout")
        self.emotion = keras.layers.Dense(num_classes, activation="softmax", dtype="float32", name="emotion")
        self.build()
        restrict(self, learn, lora_rank)

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights, which do not depend on the shape of the input."""
        size = self.backbone.settings.hidden_size
        if self.layer_mix is not None:
            self.layer_mix.build(None)
        if self.projection is not None:
            self.projection.build((None, None, size))
            size = self.head.projection
        self.pooling.build((None, None, size))
        self.emotion.build((None, 2 * size if self.head.pooling == "attentive" else size))
        self.built = True

    def call(self, inputs, training=False):
        """Classify waveforms.

        Args:
            inputs: `waveform`, float32 [batch, samples] at 16 kHz, and `num_samples`, int32 [batch]. A clip that is
                too short for one frame (400 samples) is padded with silence to that length.
            training: Whether dropout, LayerDrop and masking apply. A Python bool.

        Returns:
            Probabilities, float32 [batch, num_classes].
        """
        # A backbone that does not learn computes fixed features, without dropout or masks.
        answer = self.backbone(self._long_enough(inputs), training=training and self.learn != "head")
        frames = answer["last_hidden_state"]
        if self.layer_mix is not None:
            # With stable layer norm, the last of the states is not normalised and has another scale.
            frames = self.layer_mix([*answer["hidden_states"][:-1], frames])
        if self.projection is not None:
            frames = self.projection(frames)
        pooled = self.pooling(frames, answer["mask"])
        return self.emotion(self.dropout(pooled, training=training))

    def _long_enough(self, inputs) -> dict[str, Any]:
        waveform = ops.cast(inputs["waveform"], "float32")
        num_samples = ops.cast(inputs["num_samples"], "int32")
        shortest = self.backbone.settings.shortest
        samples = ops.shape(waveform)[1]
        missing = max(shortest - samples, 0) if isinstance(samples, int) else ops.maximum(shortest - samples, 0)
        inside = ops.arange(samples, dtype="int32")[None, :] < num_samples[:, None]
        waveform = ops.where(inside, waveform, 0.0)
        return {
            "waveform": ops.pad(waveform, [[0, 0], [0, missing]]),
            "num_samples": ops.maximum(num_samples, shortest),
        }

    def for_serving(self, dtype: str = "float32") -> "Wav2Vec2Classifier":
        """A copy for export, with folded weight norm and merged adapters: the same answers from fewer operations.

        Args:
            dtype: Data type of weights and products, `float32` or `bfloat16`. Norms, softmax, pooling and the waveform
                stay in float32.

        Returns:
            The copy. This model is not changed.
        """
        policy = keras.dtype_policies.DTypePolicy(dtype)
        changed = {"learn": "all", "folded": True, "dtype": keras.dtype_policies.serialize(policy)}
        copy = Wav2Vec2Classifier.from_config({**self.get_config(), **changed})
        load_state(copy.backbone, state_arrays(self.backbone), "the network to export")
        for weight, copied in zip(_head_weights(self), _head_weights(copy), strict=True):
            copied.assign(ops.convert_to_numpy(weight))
        return copy

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, as `from_config` takes them."""
        return {
            "settings": asdict(self.backbone.settings),
            "num_classes": self.num_classes,
            "head": asdict(self.head),
            "learn": self.learn,
            "lora_rank": self.lora_rank,
            "rematerialise": self.backbone.rematerialise,
            "folded": self.backbone.folded,
            "seed": self.backbone.seed,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Wav2Vec2Classifier":
        """Create the network that `get_config` describes, with new weights."""
        del custom_objects
        settings = Wav2Vec2Settings.from_config(config["settings"], config["settings"]["do_normalize"])
        policy = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**{**config, "settings": settings, "head": HeadSettings(**config["head"]), "dtype": policy})

    @classmethod
    def from_pretrained(
        cls, name_or_folder: str | Path, num_classes: int, revision: str | None = None, **kwargs
    ) -> "Wav2Vec2Classifier":
        """Create a classifier with the backbone of a checkpoint and a head of random weights.

        Args:
            name_or_folder: A name on the Hugging Face hub, or a folder with the same files.
            num_classes: Number of classes.
            revision: Branch, tag or commit of a checkpoint on the hub.
            **kwargs: Other arguments of the constructor, except `settings`.

        Raises:
            UserError: If the checkpoint cannot be opened, is of another kind, or lacks a tensor.
        """
        from training.checkpoint import open_checkpoint

        checkpoint = open_checkpoint(name_or_folder, revision)
        normalised = bool(checkpoint.feature_extractor.get("do_normalize", True))
        classifier = cls(Wav2Vec2Settings.from_config(checkpoint.config, normalised), num_classes, **kwargs)
        load_state(classifier.backbone, checkpoint.arrays(), checkpoint.source)
        return classifier


def _head_weights(classifier: Wav2Vec2Classifier) -> list[keras.Variable]:
    parts = (classifier.layer_mix, classifier.projection, classifier.pooling, classifier.emotion)
    return [weight for part in parts if part is not None for weight in part.weights]
