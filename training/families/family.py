"""`Family`: everything that the rest of the project asks about a family of models."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from data_pipeline.errors import UserError
from data_pipeline.settings import Space, changed, declared

if TYPE_CHECKING:
    import keras

    from data_pipeline.dataset import Dataset
    from training.front_end import FrontEnd


_NOT_TRAINED = "it is not trained as one, so train its members anew and put them together with `ser ensemble`"


_TARGET_FIELDS = {"labels": "labels", "label_kind": "kind", "votes_share": "votes_share"}
"""Fields of `config.json`, and of `Target`."""


@dataclass(frozen=True, slots=True)
class LearningRates:
    """How fast each weight of a model learns, and when it starts.

    Attributes:
        scales: For each of `model.trainable_variables`, the factor of its learning rate. None for 1 everywhere.
        delays: For each of them, the number of epochs before it starts to learn. None for 0 everywhere.
    """

    scales: list[float] | None = None
    delays: list[float] | None = None


@dataclass(frozen=True, slots=True)
class LearningPart:
    """What is fitted of a model.

    Attributes:
        model: The model, or a model that shares some of its layers.
        front_end: What it receives of a clip.
    """

    model: "keras.Model"
    front_end: "FrontEnd"


@dataclass(frozen=True, slots=True)
class Halves:
    """A model in two halves.

    Attributes:
        embed: From what the front end gives to embeddings, float32 [batch, size].
        classify: From embeddings to probabilities, float32 [batch, classes].
        size: Size of an embedding.
    """

    embed: Callable[[Any], Any]
    classify: Callable[[Any], Any]
    size: int


class Family:
    """A family of models: its network, its recipes and what is done to it for serving.

    A subclass lives in one folder of `training.families`, is listed in `registry`, and imports Keras and TensorFlow
    only within its methods, so that `ser train NAME --help` answers at once. It has at least `name`, `summary`,
    `presets` and `build`.

    Attributes:
        name: Name of the family, as in `ser train NAME` and in `config.json`.
        summary: What it is, in one sentence.
        help: Paragraphs of `ser train NAME --help` after the summary.
        presets: Recipes by name. The first one is used unless another one is named.
        preset_notes: What each preset is for, by name.
        space: What `ser tune` searches.
        unused: Names of settings that have no effect on this family, with dots, as `fit.augment.mixup`.
        members: Families of the members of an ensemble; empty for all others.
        embedding_layer: Name of the layer whose output is a clip's embedding, see `halves`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    help: ClassVar[str] = ""
    presets: ClassVar[Mapping[str, Any]]
    preset_notes: ClassVar[Mapping[str, str]] = {}
    space: ClassVar[Space] = {}
    unused: ClassVar[tuple[str, ...]] = ()
    members: "tuple[Family, ...]" = ()
    embedding_layer: ClassVar[str] = "embedding"

    # Recipes.

    def recipe(self, config: Mapping[str, Any], preset: str | None = None, source: str = "") -> Any:
        """The recipe that a configuration describes.

        Args:
            config: `config.json` of a run, or some of its fields. What is missing comes from the preset. Fields that
                do not belong to the recipe (`data`, `versions`) are ignored.
            preset: Name of the preset. Defaults to the field `preset` of the configuration, else to the first preset.
            source: Where the configuration is from, for messages.

        Raises:
            UserError: If the configuration is of another family, names an unknown preset or setting, or gives a
                setting a value that it cannot have.
        """
        section = model_section(config)
        if "members" in section:
            raise UserError(f"{source or 'this'} is the configuration of an ensemble: {_NOT_TRAINED}")
        values = {name: value for name, value in config.items() if name not in ("preset", "data", "versions")}
        named = preset or config.get("preset") or next(iter(self.presets))
        if named not in self.presets:
            raise UserError(f"preset must be one of {', '.join(self.presets)}, not {named!r}")
        family = section.get("family", self.name)
        if family != self.name:
            raise UserError(
                f"{source or 'this'} is the configuration of a {family}: use `ser train {family}`, not {self.name}"
            )
        try:
            return changed(self.presets[named], self.recipe_fields(_with_target(values)))
        except UserError as error:
            raise UserError(f"{source}: {error}" if source else str(error)) from error

    def recipe_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the recipe, from the fields of `config.json`; the inverse of `describe`.

        Args:
            config: `config.json` of a run, or some of its fields, with the labels under `target`.
        """
        extra = {"model": "family", "front_end": "kind"}
        return {
            name: {key: value[key] for key in value if key != extra[name]} if name in extra else value
            for name, value in config.items()
            # Every run says where its weights started, also that of a family that always starts from random ones.
            if not (name == "weights" and value is None)
        }

    def describe(self, recipe: Any, model: "keras.Model") -> dict[str, Any]:  # noqa: ARG002  subclasses need the model
        """The fields of `config.json` that describe the model and how it learns; the inverse of `recipe_fields`.

        Args:
            recipe: A settled recipe.
            model: The model that `build` made from it.
        """
        fields = {name: value for name, value in asdict(recipe).items() if name not in ("fit", "front_end", "target")}
        weights = fields.get("weights")
        return {
            **fields,
            "model": {"family": self.name, **fields["model"]},
            "weights": None if weights is None else str(weights),
        }

    def settled(self, recipe: Any) -> Any:
        """The recipe with everything that its initial weights decide, which is the one that `config.json` tells.

        Raises:
            UserError: If the initial weights are missing, or the recipe contradicts itself.
        """
        return recipe

    def given_flags(self, recipe: Any, values: Mapping[str, Any]) -> Any:
        """The recipe with the flags of the command line.

        Args:
            recipe: From a preset or a configuration.
            values: The given values, nested as the recipe's fields are.

        Raises:
            UserError: If a setting cannot have its value.
        """
        return changed(recipe, values)

    def initial_weights(self, weights: str) -> Any:
        """The field `weights` of a configuration.

        Args:
            weights: Path or name of the initial weights, as a user writes it.
        """
        return weights

    def settings(self) -> dict[str, Any]:
        """The declarations of all settings that have an effect on this family, by their names with dots."""
        recipe = type(next(iter(self.presets.values())))
        found = {".".join(one.path): one for one in declared(recipe)}
        return {name: one for name, one in found.items() if name not in self.unused}

    def config_name(self, name: str) -> str:
        """The name that a setting has in `config.json`, where the labels have no section of their own.

        Args:
            name: Its name in the recipe, as `settings` has it.
        """
        names = {f"target.{field}": config for config, field in _TARGET_FIELDS.items()}
        return names.get(name, name)

    # The network.

    def front_end(self, recipe: Any) -> "FrontEnd":
        """What the model receives of a clip: log-mel spectrograms, unless the family says otherwise.

        Args:
            recipe: A recipe with `front_end`, the settings of the spectrogram.
        """
        from training.front_end import LogMelFrontEnd

        return LogMelFrontEnd(recipe.front_end)

    def build(self, recipe: Any) -> "keras.Model":
        """The network with its initial weights; the weights that do not learn are frozen.

        Args:
            recipe: A settled recipe.

        Returns:
            A model from what the front end gives to probabilities, float32 [batch, classes].

        Raises:
            UserError: If the initial weights do not fit.
        """
        # Not abstract: an ensemble is made of trained members, so that its family builds no network.
        raise NotImplementedError(f"{type(self).__name__} has no network to train")

    def learning_part(self, model: "keras.Model", recipe: Any, on_embedded: "Callable[[int], None]") -> "LearningPart":
        """What is fitted: the whole model, unless a part of it can learn from something that is computed once.

        Args:
            model: Made by `build`.
            recipe: A settled recipe.
            on_embedded: Called with the number of clips for which it has been computed, or found, since the last call.
        """
        del on_embedded
        return LearningPart(model, self.front_end(recipe))

    def fit_to_data(self, model: "keras.Model", recipe: Any, dataset: "Dataset", front_end: "FrontEnd") -> None:
        """Set statistics of the model that come from the training clips, before the first epoch.

        Args:
            model: Made by `build`. Changed in place.
            recipe: A settled recipe.
            dataset: With a split `train`.
            front_end: What the learning part receives of a clip.
        """

    def learning_rates(self, model: "keras.Model", recipe: Any) -> LearningRates:  # noqa: ARG002  as subclasses have it
        """How fast each weight learns."""
        return LearningRates()

    def compiles(self) -> bool | str:
        """Whether training steps are compiled with XLA, see `keras.Model.compile`."""
        return "auto"

    # The trained model.

    def import_network(self) -> Any:
        """Import the module that defines the network, so that Keras knows its layers; returns the module."""

    def load(self, path: Path) -> "keras.Model":
        """Read a `model.keras`.

        Args:
            path: The file.

        Raises:
            ValueError, OSError, KeyError: If it cannot be read.
        """
        import keras

        self.import_network()
        return keras.saving.load_model(path, compile=False)

    def with_members(self, members: "tuple[Family, ...]") -> "Family":  # noqa: ARG002  as the ensemble's has it
        """The family as one run has it; only an ensemble has members.

        Args:
            members: Families of the members.
        """
        return self

    def halves(self, model: "keras.Model") -> Halves | None:
        """The model in two halves, with a clip's embedding between them.

        Args:
            model: A trained model.

        Returns:
            The halves before and after the layer `embedding_layer`, or before and after the last layer of a functional
            model without such a layer. None for other models, whose families say where the embedding is, or give none.
        """
        import keras

        # Only functional models have a graph of operations that can be cut.
        if not hasattr(model, "operations"):
            return None
        named = [layer for layer in model.layers if layer.name == self.embedding_layer]
        embedding = named[0].output if named else model.layers[-1].input
        if not isinstance(embedding, keras.KerasTensor) or len(embedding.shape) != 2:
            return None
        return Halves(
            keras.Model(model.input, embedding), keras.Model(embedding, model.output), int(embedding.shape[-1])
        )

    def gains_from_bfloat16(self, model: "keras.Model") -> bool:  # noqa: ARG002  as subclasses have it
        """Whether the model has products that bfloat16 makes faster."""
        return False

    def for_serving(self, model: "keras.Model", dtype: str) -> "keras.Model":  # noqa: ARG002  as subclasses have it
        """The model as it is exported: without what only training needs.

        Args:
            model: A trained model.
            dtype: Type of weights and products, `float32` or `bfloat16`; the latter only where `gains_from_bfloat16`.
        """
        return model


def model_section(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The field `model` of a configuration.

    Raises:
        UserError: If it is no object.
    """
    section = config.get("model", {})
    if not isinstance(section, Mapping):
        raise UserError(f"model is {section!r}: give an object, as in the config.json of a run")
    return section


def _with_target(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the fields of `Target` in an object, as recipes have them."""
    target = {field: config[name] for name, field in _TARGET_FIELDS.items() if name in config}
    return {**{name: value for name, value in config.items() if name not in _TARGET_FIELDS}, "target": target}
