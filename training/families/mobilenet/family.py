"""The family `mobilenet`: MobileNet v1 on log-mel spectrograms, from AudioSet, ImageNet or random weights."""

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from data_pipeline.errors import UserError
from data_pipeline.settings import Range
from training.families.family import Family, LearningRates
from training.families.mobilenet.recipe import PRESETS, MobileNetRecipe
from training.families.search_space import FITTING, declared_space

if TYPE_CHECKING:
    import keras

    from data_pipeline.dataset import Dataset
    from training.front_end import FrontEnd

_RECALIBRATION_BATCHES = 40
"""Number of batches of training clips from which the statistics of the norms come."""

_RECALIBRATION_BATCH_SIZE = 32


class MobileNetFamily(Family):
    """MobileNet v1 (Howard et al. 2017, arXiv:1704.04861) on windows of 3 s of log-mels."""

    name = "mobilenet"
    summary = "Train a MobileNet on log-mel spectrograms."
    help = (
        "Examples: `ser train mobilenet out/data out/run --weights yamnet.h5`, for telephone calls "
        "`ser train mobilenet out/data out/run --weights yamnet.h5 --preset telephone`, and with settings from a file "
        "`ser train mobilenet out/data out/run --config mine.toml --epochs 30`"
    )
    presets = PRESETS
    preset_notes = {
        "telephone": "for calls, with attentive pooling and averaged weights",
        "listeners": "like `telephone`, and also learns from the listeners' votes",
        "scratch": "a narrow network from random weights",
    }
    space = {
        "fit.learning_rate": Range(1e-4, 3e-3, log=True),
        **declared_space(
            MobileNetRecipe,
            *FITTING,
            "model.dropout",
            "model.pooling",
            "layer_decay",
            "head_scale",
        ),
    }

    def import_network(self) -> Any:
        """See `Family`."""
        from training.families.mobilenet import network

        return network

    def settled(self, recipe: MobileNetRecipe) -> MobileNetRecipe:
        """The recipe with the body, the width and the norms that fit its initial weights.

        Raises:
            UserError: If the weights are missing or not those of a MobileNet, or random layers would be frozen.
        """
        if recipe.weights is None:
            if recipe.unfreeze != "all" or recipe.unfreeze_epochs:
                raise UserError(
                    "a body of random weights has to learn from the start: give --weights, or unfreeze all at once"
                )
            return recipe
        from training.families.mobilenet.pretrained import PretrainedWeights

        return replace(recipe, model=PretrainedWeights.recognise(recipe.weights).settings(recipe.model))

    def build(self, recipe: MobileNetRecipe) -> "keras.Model":
        """See `Family`."""
        from training.families.mobilenet.fine_tuning import freeze
        from training.families.mobilenet.pretrained import PretrainedWeights

        model = self.import_network().build(recipe.model, len(recipe.target.labels), recipe.front_end)
        if recipe.weights:
            PretrainedWeights.recognise(recipe.weights).load_into(model)
        freeze(model, recipe.unfreeze)
        return model

    def fit_to_data(
        self, model: "keras.Model", recipe: MobileNetRecipe, dataset: "Dataset", front_end: "FrontEnd"
    ) -> None:
        """Fit the batch norms of pretrained weights to the training clips, see `fine_tuning`."""
        if recipe.weights is None or recipe.unfreeze == "none":
            return
        from training.families.mobilenet.fine_tuning import recalibrate

        windows = model.get_layer("windows")
        # The first epoch's crops, without augmentation.
        batches = front_end.batches(
            dataset,
            "train",
            batch_size=_RECALIBRATION_BATCH_SIZE,
            training=True,
            seed=recipe.fit.seed,
            crop_seconds=recipe.fit.crop_seconds,
            target=recipe.target,
        )
        clips = itertools.islice(batches, _RECALIBRATION_BATCHES)
        recalibrate(model.get_layer("backbone"), (windows(clip["log_mel"], clip["num_frames"]) for clip, _ in clips))

    def learning_rates(self, model: "keras.Model", recipe: MobileNetRecipe) -> LearningRates:
        """See `Family`."""
        from training.families.mobilenet.fine_tuning import learning_rates

        return learning_rates(model, recipe)

    def gains_from_bfloat16(self, model: "keras.Model") -> bool:  # noqa: ARG002  all have 1 x 1 convolutions
        """See `Family`: most of its products are in 1 x 1 convolutions."""
        return True

    def for_serving(self, model: "keras.Model", dtype: str) -> "keras.Model":
        """The model with its batch norms folded into the convolutions."""
        from training.layers.folding import fold_backbone

        return fold_backbone(model, dtype)


FAMILY = MobileNetFamily()
