"""The families of models that there are: how each is trained, and the recipe that a run's `config.json` tells of.

`config.json` of a run says everything that decided it, so that it can be done again; a file that a user writes says
some of that in the same words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import Target
from training.distributed import Team
from training.families.stated import with_stated
from training.fitting.fit import Epoch, FitSettings, Observer
from training.run.folder import Run


class Recipe(Protocol):
    """Everything that decides a training."""

    @property
    def fit(self) -> FitSettings:
        """How the model is fitted."""

    @property
    def target(self) -> Target:
        """Which labels there are and whose word is learned."""


class Train(Protocol):
    """Trains by a recipe."""

    def __call__(
        self,
        recipe: Any,
        dataset: Dataset,
        folder: Path,
        observer: Observer | None = None,
        team: Team | None = None,
    ) -> tuple[Run, Epoch]:
        """From recipe, dataset, run folder, observer and team to the run and the epoch whose weights it keeps."""


def _as_it_is(recipe: Any) -> Any:
    return recipe


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models.

    Attributes:
        name: As in `ser train NAME`.
        train: From a recipe of this family to a run folder.
        presets: Recipes by name; the first is what is trained unless another is named.
        fields: From what `config.json` says to what the fields of a recipe are called.
        settled: From a recipe to the one that `config.json` will tell of, with what initial weights decide;
            the same unless given.
    """

    name: str
    train: Train
    presets: Mapping[str, Any]
    fields: Callable[[Mapping[str, Any]], dict[str, Any]]
    settled: Callable[[Any], Any] = _as_it_is

    def recipe(self, config: Mapping[str, Any], preset: str | None = None, source: str = "") -> Any:
        """The recipe that a configuration tells of.

        Args:
            config: `config.json` of a run, or some of its fields; what is left out is as in the preset. What says
                nothing about the recipe (`data`, `versions`) may be there.
            preset: Name of the preset; that which `config` names under `preset`, or the first, unless given.
            source: Where the configuration is from, for messages.

        Raises:
            UserError: If the configuration is of another family, names no known preset, or states a setting that there
                is not, or with a value that it cannot have.
        """
        stated = dict(config)
        named = preset or stated.pop("preset", None) or next(iter(self.presets))
        if named not in self.presets:
            raise UserError(f"preset must be one of {', '.join(self.presets)}, not {named!r}")
        for name in ("preset", "data", "versions"):
            stated.pop(name, None)
        family = _section(stated, "model").get("family", self.name)
        if family == ENSEMBLE:
            raise UserError(f"{source or 'this'} is the configuration of an ensemble: {_NOT_TRAINED}")
        if family != self.name:
            raise UserError(
                f"{source or 'this'} is the configuration of a {family}: use `ser train {family}`, not {self.name}"
            )
        try:
            return with_stated(self.presets[named], self.fields(_with_target(stated)))
        except UserError as error:
            raise UserError(f"{source}: {error}" if source else str(error)) from error


FAMILIES = ("mobilenet", "cnn", "functionals", "wav2vec2")

ENSEMBLE = "ensemble"
"""What stands for a family in `config.json` of runs that answer as one; see `training.ensemble`."""

_NOT_TRAINED = "it is not trained as one, so train its members anew and put them together with `ser ensemble`"


def family_named(name: str) -> Family:
    """The family of that name.

    Raises:
        UserError: If there is none, or it is the ensembles', which are not trained.
    """
    if name == ENSEMBLE:
        raise UserError(f"this run is an ensemble: {_NOT_TRAINED}")
    if name not in FAMILIES:
        raise UserError(f"there is no family of models {name!r}; choose one of {', '.join(FAMILIES)}")
    # Imported late: nobody who trains the one needs the network of the other.
    module = import_module(f"training.families.{name}.recipe")
    if name == "mobilenet":
        presets = import_module("training.families.mobilenet.presets").PRESETS
        return Family(name, module.train, presets, module.stated_fields, module.settled)
    return Family(name, module.train, module.PRESETS, module.stated_fields)


def family_of(config: Mapping[str, Any]) -> Family:
    """The family of the run that a `config.json` is of.

    Raises:
        UserError: If it names none that is known.
    """
    return family_named(str(_section(config, "model").get("family")))


def recipe_of(config: Mapping[str, Any]) -> Any:
    """The recipe by which a run was trained; trained by it again on the same data, it comes to the same weights.

    Args:
        config: `config.json` of any run.

    Raises:
        UserError: If it is not one that this version can repeat.
    """
    return family_of(config).recipe(config)


def _with_target(stated: Mapping[str, Any]) -> dict[str, Any]:
    """With the labels under the name that every recipe has for them."""
    names = {"labels": "labels", "label_kind": "kind", "votes_share": "votes_share"}
    target = {field: stated[name] for name, field in names.items() if name in stated}
    return {**{name: value for name, value in stated.items() if name not in names}, "target": target}


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name, {})
    if not isinstance(section, Mapping):
        raise UserError(f"{name} is {section!r}: give an object, as in the config.json of a run")
    return section
