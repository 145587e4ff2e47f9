"""The families of models that there are. A new family is one folder and one line in `_MODULES`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from data_pipeline.errors import UserError
from training.families.family import Family, model_section

_MODULES = {
    "mobilenet": "training.families.mobilenet.family",
    "cnn": "training.families.cnn.family",
    "functionals": "training.families.functionals.family",
    "wav2vec2": "training.families.wav2vec2.family",
    "wavlm": "training.families.wavlm.family",
    "ast": "training.families.ast.family",
    "whisper": "training.families.whisper.family",
    "ensemble": "training.families.ensemble.family",
}
"""Imported when it is asked for: training one family does not need the network of another."""

_registered: dict[str, Family] = {}


def register(family: Family) -> None:
    """Add a family that lives outside this package.

    Args:
        family: With a name that no other family has.

    Raises:
        ValueError: If the name is taken.
    """
    if family.name in _MODULES or _registered.get(family.name, family) is not family:
        raise ValueError(f"family.name must be new. Received: {family.name!r}")
    _registered[family.name] = family


def family_names() -> tuple[str, ...]:
    """Names of all families that can be trained."""
    return tuple(name for name in (*_MODULES, *_registered) if name != "ensemble")


def family_named(name: str) -> Family:
    """The family of that name.

    Raises:
        UserError: If there is none.
    """
    if name in _registered:
        return _registered[name]
    if name not in _MODULES:
        raise UserError(f"there is no family of models {name!r}; choose one of {', '.join(family_names())}")
    return import_module(_MODULES[name]).FAMILY


def family_of(config: Mapping[str, Any]) -> Family:
    """The family of the run that a `config.json` describes.

    Raises:
        UserError: If it names none that is known.
    """
    model = model_section(config)
    family = family_named(str(model.get("family")))
    return family.with_members(tuple(family_of(member["config"]) for member in model.get("members", ())))


def recipe_of(config: Mapping[str, Any]) -> Any:
    """The recipe by which a run was trained. Training by it again on the same data gives the same weights.

    Args:
        config: `config.json` of any run.

    Raises:
        UserError: If this version cannot repeat the run.
    """
    return family_of(config).recipe(config)
