"""The family `functionals`: a small network on statistics of a clip's log-mels, to pool with another model."""

import itertools
from typing import TYPE_CHECKING, Any

from data_pipeline.settings import Range
from training.families.family import Family
from training.families.functionals.recipe import FunctionalsRecipe
from training.families.search_space import FITTING, declared_space

if TYPE_CHECKING:
    import keras

    from data_pipeline.dataset import Dataset
    from training.front_end import FrontEnd

_SCORED_BATCHES = 40
"""Number of batches of training clips from which mean and deviation of the functionals come."""

_SCORED_BATCH_SIZE = 32


class FunctionalsFamily(Family):
    """One hidden layer on functionals, whose errors differ from those of convolutional networks."""

    name = "functionals"
    summary = "Train a small network on functionals (statistics over a clip's log-mels), to pool with a MobileNet."
    help = (
        "It is less accurate than a MobileNet and errs on other clips. Examples: "
        "`ser train functionals out/data out/functionals`, then "
        "`ser ensemble out/mobilenet out/functionals --output out/both`"
    )
    # The standard scores, since the functionals themselves have scales of their own.
    embedding_layer = "scores"
    presets = {"plain": FunctionalsRecipe()}
    unused = ("fit.augment.bands", "fit.augment.band_masks", "fit.augment.frames", "fit.augment.frame_masks")
    space = {
        "fit.learning_rate": Range(1e-4, 3e-3, log=True),
        **declared_space(
            FunctionalsRecipe,
            *FITTING,
            "model.hidden",
            "model.dropout",
        ),
    }

    def import_network(self) -> Any:
        """See `Family`."""
        from training.families.functionals import network

        return network

    def build(self, recipe: FunctionalsRecipe) -> "keras.Model":
        """See `Family`."""
        return self.import_network().build(recipe.model, len(recipe.target.labels), recipe.front_end)

    def fit_to_data(
        self, model: "keras.Model", recipe: FunctionalsRecipe, dataset: "Dataset", front_end: "FrontEnd"
    ) -> None:
        """Set the mean and the deviation of each functional to those of the training clips."""
        # Clips as the network will learn from them.
        batches = front_end.batches(
            dataset,
            "train",
            batch_size=_SCORED_BATCH_SIZE,
            training=True,
            seed=recipe.fit.seed,
            augment=recipe.fit.augment,
            crop_seconds=recipe.fit.crop_seconds,
            target=recipe.target,
        )
        self.import_network().fit_scores(model, (clips for clips, _ in itertools.islice(batches, _SCORED_BATCHES)))


FAMILY = FunctionalsFamily()
