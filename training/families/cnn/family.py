"""The family `cnn`: a small convolutional network, trained from random weights."""

from typing import TYPE_CHECKING, Any

from data_pipeline.settings import Range
from training.families.cnn.recipe import CnnRecipe
from training.families.family import Family
from training.families.search_space import FITTING, declared_space

if TYPE_CHECKING:
    import keras


class CnnFamily(Family):
    """A baseline for pretrained networks: batch-normalised convolutions on windows of 3 s of log-mels."""

    name = "cnn"
    summary = "Train a small convolutional network from random weights, as a baseline."
    help = "Example: `ser train cnn out/data out/cnn`"
    presets = {"plain": CnnRecipe()}
    space = {
        "fit.learning_rate": Range(2e-4, 1e-2, log=True),
        **declared_space(
            CnnRecipe,
            *FITTING,
            "model.dropout",
            "model.pooling",
        ),
    }

    def import_network(self) -> Any:
        """See `Family`."""
        from training.families.cnn import network

        return network

    def build(self, recipe: CnnRecipe) -> "keras.Model":
        """See `Family`."""
        return self.import_network().build(recipe.model, len(recipe.target.labels), recipe.front_end)

    def for_serving(self, model: "keras.Model", dtype: str) -> "keras.Model":  # noqa: ARG002  it has no 1 x 1 convolutions
        """The model with its batch norms folded into the convolutions."""
        from training.layers.folding import fold_backbone

        return fold_backbone(model)


FAMILY = CnnFamily()
