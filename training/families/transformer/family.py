"""What the families of speech transformers do alike: checkpoints, learning rates, heads on fixed features."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipeline.errors import UserError
from data_pipeline.settings import Choice, Range, Space, changed
from training.families.family import Family, Halves, LearningPart, LearningRates
from training.families.search_space import declared_space
from training.families.transformer.recipe import TransformerRecipe, check_start

if TYPE_CHECKING:
    import keras

    from data_pipeline.dataset import Dataset
    from training.families.transformer.classifier import TransformerClassifier
    from training.front_end import FrontEnd, WaveformFrontEnd

_SCORED_BATCH = 32

UNUSED = (
    "fit.augment.bands",
    "fit.augment.band_masks",
    "fit.augment.frames",
    "fit.augment.frame_masks",
)
"""Settings that have no effect on waveforms."""

SPACE: Space = {
    # Up to where adapters and heads alone learn well; a whole encoder needs the lower end.
    "fit.learning_rate": Range(1e-5, 1e-3, log=True),
    **declared_space(TransformerRecipe, "fit.weight_decay", "fit.label_smoothing"),
    "fit.batch_size": Choice((8, 16, 32)),
    "model.head.dropout": Range(0.0, 0.5),
    "model.head.pooling": Choice(("mean", "attentive")),
    **declared_space(TransformerRecipe, "layer_decay", "head_scale"),
}
"""What `ser tune` searches."""


class TransformerFamily(Family):
    """A speech transformer from a Hugging Face checkpoint, or from random weights.

    A subclass has `classifier` and `shape` besides what every family has.
    """

    space = SPACE

    def shape(self) -> Any:
        """The default settings of the backbone."""
        raise NotImplementedError(f"{type(self).__name__} has no backbone")

    def classifier(self) -> "type[TransformerClassifier]":
        """The class of the network."""
        raise NotImplementedError(f"{type(self).__name__} has no network")

    def import_network(self) -> Any:
        """See `Family`."""
        return self.classifier()

    def recipe_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """See `Family`: a checkpoint brings the shape of its network, random weights need one.

        Raises:
            UserError: If the shape of the network or the field `weights` is wrong.
        """
        fields = {name: value for name, value in config.items() if name not in ("model", "weights", "front_end")}
        model = {name: value for name, value in (config.get("model") or {}).items() if name != "family"}
        if "head" in model:
            fields["head"] = model.pop("head")
        if weights := config.get("weights"):
            if not isinstance(weights, Mapping):
                raise UserError(
                    f"weights is {weights!r}: give an object with checkpoint, and revision for one of the hub"
                )
            fields |= weights
        elif model:
            fields["architecture"] = changed(self.shape(), model, "model.")
        return fields

    def describe(self, recipe: TransformerRecipe, model: "keras.Model") -> dict[str, Any]:
        """See `Family`."""
        left_out = ("fit", "target", "head", "architecture", "checkpoint", "revision")
        fields = {name: value for name, value in asdict(recipe).items() if name not in left_out}
        weights = {"checkpoint": recipe.checkpoint, "revision": recipe.revision} if recipe.checkpoint else None
        shape = asdict(model.backbone.settings)
        return {
            **fields,
            "model": {"family": self.name, **shape, "head": asdict(recipe.head)},
            "weights": weights,
        }

    def settled(self, recipe: TransformerRecipe) -> TransformerRecipe:
        """The recipe with the shape that its file describes, or with the commit of its checkpoint.

        Raises:
            UserError: If the file cannot be read, or the checkpoint cannot be found.
        """
        check_start(recipe)
        if recipe.checkpoint is None:
            described = recipe.architecture
            shape = type(self.shape()).from_file(described) if isinstance(described, Path) else described
            return replace(recipe, architecture=shape)
        # Imported late: random weights need neither the hub nor safetensors.
        from training.checkpoint import open_checkpoint

        checkpoint = open_checkpoint(recipe.checkpoint, recipe.revision, self.classifier().architecture)
        return replace(recipe, checkpoint=checkpoint.source, revision=checkpoint.revision)

    def given_flags(self, recipe: TransformerRecipe, values: Mapping[str, Any]) -> TransformerRecipe:
        """See `Family`: where training starts is one setting, which flags replace as a whole."""
        if {"checkpoint", "revision", "architecture"} & set(values):
            recipe = replace(recipe, checkpoint=None, revision=None, architecture=None)
        return changed(recipe, values)

    def initial_weights(self, weights: str) -> dict[str, str]:
        """See `Family`."""
        return {"checkpoint": weights}

    def config_name(self, name: str) -> str:
        """See `Family`: the head is a section of the model."""
        if name in ("checkpoint", "revision"):
            return f"weights.{name}"
        return f"model.{name}" if name.startswith("head.") else super().config_name(name)

    def front_end(self, recipe: TransformerRecipe) -> "WaveformFrontEnd":  # noqa: ARG002  all have the same
        """See `Family`."""
        from training.front_end import WaveformFrontEnd

        return WaveformFrontEnd()

    def build(self, recipe: TransformerRecipe) -> "keras.Model":
        """See `Family`."""
        from training.accelerator import PRECISIONS

        options: dict[str, Any] = {
            "num_classes": len(recipe.target.labels),
            "head": recipe.head,
            "learn": recipe.learn,
            "lora_rank": recipe.lora_rank,
            "rematerialise": recipe.rematerialise,
            "seed": recipe.fit.seed,
            "dtype": PRECISIONS[recipe.precision],
            "name": self.name,
        }
        network = self.classifier()
        if recipe.checkpoint is None:
            return network(recipe.architecture, **options)
        return network.from_pretrained(recipe.checkpoint, revision=recipe.revision, **options)

    def learning_part(
        self, model: "keras.Model", recipe: TransformerRecipe, on_embedded: Callable[[int], None]
    ) -> LearningPart:
        """See `Family`: a head above a backbone that does not learn receives embeddings."""
        if not recipe.cached:
            return super().learning_part(model, recipe, on_embedded)
        # Imported late: they need TensorFlow.
        from training.families.transformer.embeddings import Embedder
        from training.families.transformer.front_end import EmbeddingFrontEnd

        front_end = EmbeddingFrontEnd(Embedder(model), recipe.copies, on_embedded)
        return LearningPart(model.head_model(), front_end)

    def fit_to_data(
        self, model: "keras.Model", recipe: TransformerRecipe, dataset: "Dataset", front_end: "FrontEnd"
    ) -> None:
        """Set mean and deviation of the head's standard scores to those of the training clips."""
        if model.scores is None:
            return
        from keras import ops

        # Clips as the head will learn from them.
        batches = front_end.batches(
            dataset,
            "train",
            batch_size=_SCORED_BATCH,
            training=True,
            seed=recipe.fit.seed,
            augment=replace(recipe.fit.augment, mixup=0.0),
            crop_seconds=recipe.fit.crop_seconds,
            target=recipe.target,
        )
        inputs = (features for features, _ in batches.as_numpy_iterator())
        model.scores.fit(
            # Replicas learn with the whole model, from waveforms.
            features["embedding"] if "embedding" in features else ops.convert_to_numpy(model.embed(features))
            for features in inputs
        )

    def learning_rates(self, model: "keras.Model", recipe: TransformerRecipe) -> LearningRates:
        """See `Family`."""
        from training.families.transformer.learning import learning_rate_scales

        return LearningRates(learning_rate_scales(model, recipe.layer_decay, recipe.head_scale))

    def halves(self, model: "keras.Model") -> Halves:
        """See `Family`."""
        return Halves(model.embed, model.classify, model.embedding_size)

    def compiles(self) -> bool:
        """See `Family`: on JAX, which would otherwise compute one operation after the other."""
        from training.accelerator import compiles

        return compiles()

    def gains_from_bfloat16(self, model: "keras.Model") -> bool:  # noqa: ARG002  all have large products
        """See `Family`."""
        return True

    def for_serving(self, model: "keras.Model", dtype: str) -> "keras.Model":
        """See `Family`."""
        return model.for_serving(dtype)
