"""Which settings are searched, and in which ranges, with the names and the structure of a run's `config.json`.

```toml
[fit.learning_rate]
low = 1e-4
high = 3e-3
log = true

[model.pooling]
choices = ["mean", "attentive"]
```
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from data_pipeline.errors import UserError
from data_pipeline.settings import Choice, Range, Space
from training.families.family import Family

_CHOICES = "choices"
_RANGE = {"low", "high", "log", "step"}
_KEYS = _RANGE | {_CHOICES}
"""Keys that describe a range. No section or setting has such a name."""

_SAME_FOR_ALL = ("preset", "labels", "label_kind", "fit.epochs", "fit.keep", "fit.seed", "fit.validate_every")
"""Settings that must be the same for all trials. Otherwise the values of trials could not be compared."""


def parse_space(content: Mapping[str, Any], source: str) -> dict[str, Range | Choice]:
    """The search space that a file describes.

    Args:
        content: Content of the file: for each setting, within its section, an object with `low` and `high`, and
            optionally `log` or `step`, or one with `choices`.
        source: Name of the file, for messages.

    Raises:
        UserError: If it names no setting, or something is neither a range nor choices.
    """
    space = {}
    for name, value in _leaves(content, ""):
        try:
            space[name] = _dimension(value)
        except UserError as error:
            raise UserError(f"{source}: {name}: {error}") from error
    if not space:
        raise UserError(f"{source} names no setting: give each low and high, or choices, as in [fit.learning_rate]")
    return space


def _leaves(content: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping) and value and not _KEYS & set(value):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield before + name, value


def _dimension(content: Any) -> Range | Choice:
    keys = set(content) if isinstance(content, Mapping) else set()
    if keys == {_CHOICES}:
        choices = content[_CHOICES]
        return Choice(tuple(choices) if isinstance(choices, list) else choices)
    if not {"low", "high"} <= keys <= _RANGE:
        raise UserError(f"{content!r} is no range: give low and high (and log = true, or step), or choices alone")
    return Range(**content)


def fitted_to(space: Space, family: Family, config: Mapping[str, Any], source: str) -> dict[str, Range | Choice]:
    """Check a search space, and adapt its ranges to the types of the settings.

    Args:
        space: The search space.
        family: Family of the models.
        config: The settings that all trials share.
        source: Where the space is from, for messages.

    Returns:
        The space. Ranges between integers become ranges of any numbers where the setting takes those.

    Raises:
        UserError: If a setting is unknown, cannot have a value, changes nothing, or has to be the same for all trials.
    """
    return {name: _fitted(name, one, family, config, source) for name, one in space.items()}


def _fitted(
    name: str, dimension: Range | Choice, family: Family, config: Mapping[str, Any], source: str
) -> Range | Choice:
    if name in _SAME_FOR_ALL:
        raise UserError(f"{source}: {name} cannot be searched, since trials have to be alike in it to be compared")
    recipes = [family.recipe(with_settings(config, {name: value}), source=source) for value in dimension.ends()]
    if all(recipe == recipes[0] for recipe in recipes):
        raise UserError(f"{source}: {name} changes nothing here: leave it out")
    if isinstance(dimension, Range) and dimension.whole and dimension.step is None:
        try:
            family.recipe(with_settings(config, {name: dimension.low + 0.5}))
        except UserError:
            return dimension
        return replace(dimension, low=float(dimension.low), high=float(dimension.high))
    return dimension


def with_settings(config: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with some settings replaced.

    Args:
        config: A configuration with the structure of a run's `config.json`.
        settings: The new values by name, with a dot after each section.
    """
    result = copy.deepcopy(dict(config))
    for name, value in settings.items():
        *sections, last = name.split(".")
        place = result
        for section in sections:
            if not isinstance(place.get(section), dict):
                place[section] = {}
            place = place[section]
        place[last] = value
    return result


def own_settings(space: Space, family: Family, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values that a configuration has in a space, or None if one of them is outside it.

    Args:
        space: See `fitted_to`.
        family: Family of the models.
        config: A configuration with the structure of a run's `config.json`.
    """
    recipe = family.recipe(config)
    found = {}
    for name, dimension in space.items():
        value: Any = recipe
        for field in _path(family.recipe_fields(with_settings({}, {name: dimension.ends()[0]}))):
            value = getattr(value, field, None)
        same = dimension.holds(value) and family.recipe(with_settings(config, {name: value})) == recipe
        if not same:
            return None
        found[name] = value
    return found


def _path(fields: Any) -> Iterator[str]:
    """The names of the fields that lead to the only setting."""
    while isinstance(fields, Mapping) and fields:
        name, fields = next(iter(fields.items()))
        yield name
