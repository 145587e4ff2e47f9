"""The family `wav2vec2`: wav2vec 2.0 and HuBERT on raw waveforms, from checkpoints or random weights."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipeline.errors import UserError
from data_pipeline.settings import Choice, Range, changed
from training.families.family import Family, LearningRates
from training.families.search_space import declared_space
from training.families.wav2vec2.recipe import PRESETS, Wav2Vec2Recipe, check_start
from training.families.wav2vec2.settings import Wav2Vec2Settings

if TYPE_CHECKING:
    import keras

    from training.front_end import WaveformFrontEnd


class Wav2Vec2Family(Family):
    """wav2vec 2.0 (Baevski et al. 2020, arXiv:2006.11477) and HuBERT (Hsu et al. 2021, arXiv:2106.07447)."""

    name = "wav2vec2"
    summary = "Fine-tune wav2vec 2.0 or HuBERT on raw waveforms."
    help = (
        "Base models need a GPU: on two cores an epoch of CREMA-D takes more than an hour.\n\n"
        "Examples: `ser train wav2vec2 out/data out/run --checkpoint facebook/wav2vec2-base`, without a network "
        "connection `ser train wav2vec2 out/data out/run --checkpoint ~/models/wav2vec2-base --preset lora`, and as "
        "the study did it `ser train wav2vec2 out/data out/run --checkpoint facebook/wav2vec2-base --preset study`"
    )
    presets = PRESETS
    preset_notes = {
        "lora": "only adapters learn",
        "frozen": "only the head learns",
        "study": "as the study did it: 2 s crops, Adam at 1e-5, batch 32, 10 epochs, dropout 0.5",
    }
    unused = (
        "fit.augment.bands",
        "fit.augment.band_masks",
        "fit.augment.frames",
        "fit.augment.frame_masks",
        "fit.augment.mixup",
    )
    space = {
        # Up to where adapters and heads alone learn well; a whole encoder needs the lower end.
        "fit.learning_rate": Range(1e-5, 1e-3, log=True),
        **declared_space(Wav2Vec2Recipe, "fit.weight_decay", "fit.label_smoothing"),
        "fit.batch_size": Choice((8, 16, 32)),
        "model.head.dropout": Range(0.0, 0.5),
        "model.head.pooling": Choice(("mean", "attentive")),
        **declared_space(Wav2Vec2Recipe, "layer_decay", "head_scale"),
    }

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
            fields["architecture"] = changed(Wav2Vec2Settings(), model, "model.")
        return fields

    def describe(self, recipe: Wav2Vec2Recipe, model: "keras.Model") -> dict[str, Any]:
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

    def settled(self, recipe: Wav2Vec2Recipe) -> Wav2Vec2Recipe:
        """The recipe with the shape that its file describes, or with the commit of its checkpoint.

        Raises:
            UserError: If the file cannot be read, or the checkpoint cannot be found.
        """
        check_start(recipe)
        if recipe.checkpoint is None:
            described = recipe.architecture
            shape = Wav2Vec2Settings.from_file(described) if isinstance(described, Path) else described
            return replace(recipe, architecture=shape)
        # Imported late: random weights need neither the hub nor safetensors.
        from training.checkpoint import open_checkpoint

        checkpoint = open_checkpoint(recipe.checkpoint, recipe.revision)
        return replace(recipe, checkpoint=checkpoint.source, revision=checkpoint.revision)

    def given_flags(self, recipe: Wav2Vec2Recipe, values: Mapping[str, Any]) -> Wav2Vec2Recipe:
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

    def front_end(self, recipe: Wav2Vec2Recipe) -> "WaveformFrontEnd":  # noqa: ARG002  all have the same
        """See `Family`."""
        from training.front_end import WaveformFrontEnd

        return WaveformFrontEnd()

    def import_network(self) -> Any:
        """See `Family`."""
        from training.families.wav2vec2 import classifier

        return classifier

    def build(self, recipe: Wav2Vec2Recipe) -> "keras.Model":
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
        network = self.import_network().Wav2Vec2Classifier
        if recipe.checkpoint is None:
            return network(recipe.architecture, **options)
        return network.from_pretrained(recipe.checkpoint, revision=recipe.revision, **options)

    def learning_rates(self, model: "keras.Model", recipe: Wav2Vec2Recipe) -> LearningRates:
        """See `Family`."""
        from training.families.wav2vec2.learning import learning_rate_scales

        return LearningRates(learning_rate_scales(model, recipe.layer_decay, recipe.head_scale))

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


FAMILY = Wav2Vec2Family()
