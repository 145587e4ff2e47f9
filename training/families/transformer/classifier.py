"""A transformer with a classification head: from waveforms at 16 kHz to an embedding, and then to probabilities."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from data_pipeline.settings import Settings
from training.checkpoint.architectures import Architecture
from training.families.transformer.head_settings import HeadSettings
from training.families.transformer.layer_mix import LayerMix
from training.families.transformer.layer_statistics import LayerStatistics
from training.families.transformer.learning import restrict
from training.layers.pooling import AttentiveStatisticsPooling, MeanPooling
from training.layers.standard_scores import StandardScores


class TransformerClassifier(keras.Model):
    """A transformer on waveforms with a head. Each family's network is a subclass with its own backbone.

    The probabilities of a clip depend neither on its padding nor on the other clips of the batch.

    Args:
        settings: Shape of the backbone.
        num_classes: Number of classes.
        head: Shape of the head.
        learn: Which weights learn: `head`, `encoder`, `all` or `lora`, see `learning.LEARN`.
        lora_rank: Rank of the adapters if `learn` is `lora`.
        rematerialise: While training, keep only the input of every encoder layer and compute the layer again for its
            gradient: less memory for a third more time.
        seed: Seed of all dropout, LayerDrop and masking.
        backbone_options: More arguments of the backbone, which subclasses give.
        **kwargs: Arguments of `keras.Model`: `dtype` (a policy such as "mixed_bfloat16"; norms, softmax, pooling and
            what comes before the first layer stay in float32) and `name`.
    """

    architecture: ClassVar[Architecture]

    def __init__(
        self,
        settings: Any,
        num_classes: int,
        head: HeadSettings | None = None,
        learn: str = "encoder",
        lora_rank: int = 8,
        rematerialise: bool = False,
        seed: int = 0,
        backbone_options: Mapping[str, Any] | None = None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.num_classes = num_classes
        self.head = head or HeadSettings()
        self.learn = learn
        self.lora_rank = lora_rank
        policy = self.dtype_policy
        self.backbone = self.make_backbone(
            settings,
            rematerialise=rematerialise,
            seed=seed,
            dtype=policy,
            name="backbone",
            **(backbone_options or {}),
        )
        self.statistics = self.head.pooling == "statistics"
        weighted = self.head.layers == "weighted" and not self.statistics
        layers = self.backbone.shape.layers + 1
        self.layer_mix = LayerMix(layers, dtype=policy, name="layer_mix") if weighted else None
        self.projection = (
            keras.layers.Dense(
                self.head.projection,
                activation="relu",
                dtype="float32" if self.statistics else policy,
                name="projection",
            )
            if self.head.projection
            else None
        )
        self.pooling = _POOLINGS[self.head.pooling](dtype="float32", name="pooling")
        self.scores = StandardScores(dtype="float32", name="scores") if self.statistics else None
        self.dropout = keras.layers.Dropout(self.head.dropout, seed=seed + 2, dtype="float32", name="dropout")
        self.emotion = keras.layers.Dense(num_classes, activation="softmax", dtype="float32", name="emotion")
        self.build()
        restrict(self, learn, lora_rank)

    # What each family has of its own.

    def make_backbone(self, settings: Any, **kwargs) -> keras.Model:
        """The backbone, with new weights.

        Args:
            settings: Its shape.
            **kwargs: `rematerialise`, `seed`, `dtype`, `name`, and the options that the subclass gives.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backbone")

    @classmethod
    def settings_of(cls, config: Mapping[str, Any], feature_extractor: Mapping[str, Any]) -> Settings:
        """The shape of the backbone of a checkpoint.

        Args:
            config: Content of its `config.json`.
            feature_extractor: Content of its `preprocessor_config.json`.

        Raises:
            UserError: If the network has something that this one does not.
        """
        raise NotImplementedError(f"{cls.__name__} reads no checkpoints")

    @classmethod
    def settings_from_dict(cls, settings: Mapping[str, Any]) -> Settings:
        """The shape of the backbone, from the fields of its settings."""
        raise NotImplementedError(f"{cls.__name__} has no settings")

    def load_backbone(self, arrays: Mapping[str, np.ndarray], source: str) -> None:
        """Set every weight of the backbone.

        Args:
            arrays: Tensors in the layout of PyTorch.
            source: Where they came from, for the error.

        Raises:
            UserError: If a tensor is missing, unknown, or of another shape.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backbone")

    def backbone_arrays(self) -> dict[str, np.ndarray]:
        """All weights of the backbone, as `load_backbone` takes them, with adapters merged into their kernels."""
        raise NotImplementedError(f"{type(self).__name__} has no backbone")

    def shortest(self) -> int:
        """Least number of samples of a batch that the backbone takes."""
        return 1

    # The head.

    def build(self, input_shape=None):  # noqa: ARG002 - Keras passes it
        """Create all weights, which do not depend on the shape of the input."""
        size = self.backbone.shape.hidden_size
        if self.scores is not None:
            size = self.embedding_size
            self.scores.build((None, size))
            if self.projection is not None:
                self.projection.build((None, size))
                size = self.head.projection
            self.emotion.build((None, size))
        else:
            if self.layer_mix is not None:
                self.layer_mix.build(None)
            if self.projection is not None:
                self.projection.build((None, None, size))
            self.pooling.build((None, None, self.head.projection or size))
            self.emotion.build((None, self.embedding_size))
        self.built = True

    @property
    def embedding_size(self) -> int:
        """Size of a clip's embedding."""
        size = self.backbone.shape.hidden_size
        if self.statistics:
            # Where norms come first, the output of the norm above the stack is one more state.
            return 2 * size * (self.backbone.shape.layers + 1 + self.backbone.shape.norm_first)
        return (self.head.projection or size) * (2 if self.head.pooling == "attentive" else 1)

    def call(self, inputs, training=False):
        """Classify waveforms.

        Args:
            inputs: `waveform`, float32 [batch, samples] at 16 kHz, and `num_samples`, int32 [batch]. A clip that is
                too short for one frame is padded with silence to that length.
            training: Whether dropout, LayerDrop and masking apply. A Python bool.

        Returns:
            Probabilities, float32 [batch, num_classes].
        """
        return self.classify(self.embed(inputs, training=training), training=training)

    def embed(self, inputs, training=False):
        """Compute the embeddings of clips, which `classify` takes.

        Args:
            inputs: See `call`.
            training: See `call`.

        Returns:
            float32 [batch, embedding_size]: with `statistics` pooling mean and standard deviation of the frames of each
            layer, otherwise the pooled output of the head's first layers.
        """
        # A backbone that does not learn computes fixed features, without dropout or masks.
        answer = self.backbone(self._long_enough(inputs), training=training and self.learn != "head")
        states, frames = answer["hidden_states"], answer["last_hidden_state"]
        if self.statistics:
            return self.pooling([*states, frames] if self.backbone.shape.norm_first else states, answer["mask"])
        if self.layer_mix is not None:
            # Where norms come first, the last of the states is not normalised and has another scale.
            frames = self.layer_mix([*states[:-1], frames])
        if self.projection is not None:
            frames = self.projection(frames)
        return self.pooling(frames, answer["mask"])

    def classify(self, embedding, training=False):
        """Classify embeddings.

        Args:
            embedding: float32 [batch, embedding_size].
            training: Whether dropout applies.

        Returns:
            Probabilities, float32 [batch, num_classes].
        """
        if self.scores is not None:
            embedding = self.dropout(self.scores(embedding), training=training)
            if self.projection is not None:
                embedding = self.projection(embedding)
        return self.emotion(self.dropout(embedding, training=training))

    def head_model(self) -> keras.Model:
        """The part from embeddings to probabilities, as a model of its own that shares the weights."""
        embedding = keras.Input((self.embedding_size,), name="embedding")
        return keras.Model({"embedding": embedding}, self.classify(embedding), name=f"{self.name}_head")

    def _long_enough(self, inputs) -> dict[str, Any]:
        waveform = ops.cast(inputs["waveform"], "float32")
        num_samples = ops.cast(inputs["num_samples"], "int32")
        shortest = self.shortest()
        samples = ops.shape(waveform)[1]
        missing = max(shortest - samples, 0) if isinstance(samples, int) else ops.maximum(shortest - samples, 0)
        inside = ops.arange(samples, dtype="int32")[None, :] < num_samples[:, None]
        waveform = ops.where(inside, waveform, 0.0)
        return {
            "waveform": ops.pad(waveform, [[0, 0], [0, missing]]),
            "num_samples": ops.maximum(num_samples, shortest),
        }

    # Copies and files.

    def for_serving(self, dtype: str = "float32") -> "TransformerClassifier":
        """A copy for export, with merged adapters: the same answers from fewer operations.

        Args:
            dtype: Data type of weights and products, `float32` or `bfloat16`. Norms, softmax, pooling and the waveform
                stay in float32.

        Returns:
            The copy. This model is not changed.
        """
        policy = keras.dtype_policies.DTypePolicy(dtype)
        changed = {"learn": "all", "dtype": keras.dtype_policies.serialize(policy), **self.serving_options()}
        copy = type(self).from_config({**self.get_config(), **changed})
        copy.load_backbone(self.backbone_arrays(), "the network to export")
        for weight, copied in zip(self._head_weights(), copy._head_weights(), strict=True):
            copied.assign(ops.convert_to_numpy(weight))
        return copy

    def serving_options(self) -> dict[str, Any]:
        """Arguments of the constructor that only the copy for export has."""
        return {}

    def _head_weights(self) -> list[keras.Variable]:
        parts = (self.layer_mix, self.scores, self.projection, self.pooling, self.emotion)
        return [weight for part in parts if part is not None for weight in part.weights]

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor, as `from_config` takes them."""
        return {
            "settings": asdict(self.backbone.settings),
            "num_classes": self.num_classes,
            "head": asdict(self.head),
            "learn": self.learn,
            "lora_rank": self.lora_rank,
            "rematerialise": self.backbone.rematerialise,
            "seed": self.backbone.seed,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "TransformerClassifier":
        """Create the network that `get_config` describes, with new weights."""
        del custom_objects
        settings = cls.settings_from_dict(config["settings"])
        policy = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**{**config, "settings": settings, "head": HeadSettings(**config["head"]), "dtype": policy})

    @classmethod
    def from_pretrained(
        cls, name_or_folder: str | Path, num_classes: int, revision: str | None = None, **kwargs
    ) -> "TransformerClassifier":
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

        checkpoint = open_checkpoint(name_or_folder, revision, cls.architecture)
        settings = cls.settings_of(checkpoint.config, checkpoint.feature_extractor)
        classifier = cls(settings, num_classes, **kwargs)
        classifier.load_backbone(checkpoint.arrays(), checkpoint.source)
        return classifier


_POOLINGS: dict[str, type[keras.layers.Layer]] = {
    "mean": MeanPooling,
    "attentive": AttentiveStatisticsPooling,
    "statistics": LayerStatistics,
}
