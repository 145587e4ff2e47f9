"""Which settings are searched, and between what: in the words and the structure of a run's `config.json`.

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
from dataclasses import dataclass, replace
from typing import Any

from data_pipeline.errors import UserError
from training.families.registry import Family


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both among them; whole ones if both ends are whole numbers.

    Attributes:
        low: The least.
        high: The greatest.
        log: Drawn evenly by their logarithm.
        step: Between numbers, counted from `low`; none unless given.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if value is None and name == "step":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
                raise UserError(f"{name} is {value!r}: give a number")
        if not isinstance(self.log, bool):
            raise UserError(f"log is {self.log!r}: give true or false")
        if self.low >= self.high:
            raise UserError(f"low is {self.low!r} and high {self.high!r}: give two numbers, the lower as low")
        if self.log and (self.low <= 0 or self.step is not None):
            raise UserError("with log, low is above 0 and there is no step")
        if self.step is not None and (self.step <= 0 or (self.whole and not isinstance(self.step, int))):
            raise UserError(f"step is {self.step!r}: give a number above 0, a whole one between whole numbers")

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def ends(self) -> tuple[Any, ...]:
        """Its least and its greatest number."""
        return self.low, self.high

    def holds(self, value: Any) -> bool:
        """Whether a setting's value may be drawn."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        return abs(steps - round(steps)) < 1e-8

    def in_words(self) -> str:
        """For people."""
        return (
            f"{self.low:g} to {self.high:g}"
            + (" by logarithm" if self.log else "")
            + (f" in steps of {self.step:g}" if self.step else "")
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values.

    Attributes:
        choices: Numbers, texts, true or false.
    """

    choices: tuple[Any, ...]

    def __post_init__(self) -> None:
        known = isinstance(self.choices, tuple) and all(isinstance(one, str | int | float) for one in self.choices)
        if not known or len(set(self.choices)) < max(len(self.choices), 2):
            raise UserError(f"choices are {self.choices!r}: give a list of two or more numbers or texts, each once")

    def ends(self) -> tuple[Any, ...]:
        """All of them."""
        return self.choices

    def holds(self, value: Any) -> bool:
        """Whether a setting's value may be drawn."""
        return value in self.choices

    def in_words(self) -> str:
        """For people."""
        return ", ".join(map(str, self.choices))


Space = Mapping[str, Range | Choice]
"""By the names of settings, with a dot after each section."""

_EVERYWHERE: dict[str, Range | Choice] = {
    "fit.weight_decay": Range(1e-3, 1e-1, log=True),
    "fit.label_smoothing": Range(0.0, 0.2),
}

_LOG_MELS: dict[str, Range | Choice] = {
    **_EVERYWHERE,
    "fit.batch_size": Choice((16, 32, 64)),
    "fit.augment.mixup": Range(0.0, 0.5),
    "model.dropout": Range(0.0, 0.6),
    "model.pooling": Choice(("mean", "attentive")),
}

SPACES: Mapping[str, Space] = {
    "mobilenet": {
        "fit.learning_rate": Range(1e-4, 3e-3, log=True),
        **_LOG_MELS,
        "layer_decay": Range(0.7, 1.0),
        "head_scale": Range(1.0, 10.0, log=True),
    },
    "cnn": {"fit.learning_rate": Range(2e-4, 1e-2, log=True), **_LOG_MELS},
    "functionals": {
        "fit.learning_rate": Range(1e-4, 3e-3, log=True),
        **_EVERYWHERE,
        "fit.batch_size": Choice((16, 32, 64)),
        "fit.augment.mixup": Range(0.0, 0.5),
        "model.hidden": Choice((256, 512, 1024)),
        "model.dropout": Range(0.2, 0.6),
    },
    "wav2vec2": {
        # Up to where adapters and heads alone learn well; a whole encoder wants the lower end.
        "fit.learning_rate": Range(1e-5, 1e-3, log=True),
        **_EVERYWHERE,
        "fit.batch_size": Choice((8, 16, 32)),
        "model.head.dropout": Range(0.0, 0.5),
        "model.head.pooling": Choice(("mean", "attentive")),
        "layer_decay": Range(0.7, 1.0),
        "head_scale": Range(1.0, 30.0, log=True),
    },
}
"""What is searched of each family, unless a file says otherwise."""

_CHOICES = "choices"
_RANGE = {"low", "high", "log", "step"}
_KEYS = _RANGE | {_CHOICES}
"""What a file says of a setting; no section or setting has such a name."""

_SAME_FOR_ALL = ("preset", "labels", "label_kind", "fit.epochs", "fit.keep", "fit.seed", "fit.validate_every")
"""Settings with which the values of trials, or of their epochs, could not be compared."""


def parse_space(content: Mapping[str, Any], source: str) -> dict[str, Range | Choice]:
    """The space that a file states.

    Args:
        content: Of the file: by section and setting, an object with `low` and `high`, and `log` or `step` as well if
            wanted, or one with `choices`.
        source: The file's name, for messages.

    Raises:
        UserError: If it states none, or something that is neither a range nor choices.
    """
    space = {}
    for name, stated in _leaves(content, ""):
        try:
            space[name] = _dimension(stated)
        except UserError as error:
            raise UserError(f"{source}: {name}: {error}") from error
    if not space:
        raise UserError(f"{source} names no setting: give each low and high, or choices, as in [fit.learning_rate]")
    return space


def _leaves(content: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, stated in content.items():
        if isinstance(stated, Mapping) and stated and not _KEYS & set(stated):
            yield from _leaves(stated, f"{before}{name}.")
        else:
            yield before + name, stated


def _dimension(stated: Any) -> Range | Choice:
    keys = set(stated) if isinstance(stated, Mapping) else set()
    if keys == {_CHOICES}:
        choices = stated[_CHOICES]
        return Choice(tuple(choices) if isinstance(choices, list) else choices)
    if not {"low", "high"} <= keys <= _RANGE:
        raise UserError(f"{stated!r} is no range: give low and high (and log = true, or step), or choices alone")
    return Range(**stated)


def fitted_to(space: Space, family: Family, config: Mapping[str, Any], source: str) -> dict[str, Range | Choice]:
    """A space whose settings a family of models is known to have, and to take the ends of.

    Args:
        space: As it was stated.
        family: Whose recipes are searched.
        config: What all trials have in common.
        source: Where the space is from, for messages.

    Returns:
        The same; ranges between whole numbers are of any numbers where the setting takes those.

    Raises:
        UserError: If a setting is unknown, cannot have a value, changes nothing, or has to be the same for all trials.
    """
    return {name: _fitted(name, one, family, config, source) for name, one in space.items()}


def _fitted(
    name: str, dimension: Range | Choice, family: Family, config: Mapping[str, Any], source: str
) -> Range | Choice:
    if name in _SAME_FOR_ALL:
        raise UserError(f"{source}: {name} cannot be searched, since trials have to be alike in it to be compared")
    recipes = [family.recipe(stated_in(config, {name: value}), source=source) for value in dimension.ends()]
    if all(recipe == recipes[0] for recipe in recipes):
        raise UserError(f"{source}: {name} changes nothing here: leave it out")
    if isinstance(dimension, Range) and dimension.whole and dimension.step is None:
        try:
            family.recipe(stated_in(config, {name: dimension.low + 0.5}))
        except UserError:
            return dimension
        return replace(dimension, low=float(dimension.low), high=float(dimension.high))
    return dimension


def stated_in(config: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with settings in the place of its own.

    Args:
        config: In the structure of a run's `config.json`.
        settings: By their names, with a dot after each section.
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
    """What a configuration has of the settings of a space, where all of that may be drawn from it; else None.

    Args:
        space: See `fitted_to`.
        family: Whose recipe the configuration tells of.
        config: In the structure of a run's `config.json`.
    """
    recipe = family.recipe(config)
    found = {}
    for name, dimension in space.items():
        value: Any = recipe
        for field in _path(family.fields(stated_in({}, {name: dimension.ends()[0]}))):
            value = getattr(value, field, None)
        same = dimension.holds(value) and family.recipe(stated_in(config, {name: value})) == recipe
        if not same:
            return None
        found[name] = value
    return found


def _path(fields: Any) -> Iterator[str]:
    """Where in a recipe the one setting stands that is stated."""
    while isinstance(fields, Mapping) and fields:
        name, fields = next(iter(fields.items()))
        yield name
