"""How a setting is declared: once, in the field of a frozen dataclass, with its default, its range and its help.

```python
@dataclass(frozen=True, slots=True)
class NoiseSettings(Settings):
    share: Annotated[float, Field(ge=0, le=1, description="Share of clips that noise is added to.")] = 0.5
```

Pydantic checks the values, whoever gives them: Python code, a configuration file or the command line. The flags of
`ser train`, the configuration file, the search space of `ser tune` and `docs/settings.md` all come from these fields.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, InstanceOf, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from data_pipeline.errors import UserError

SettingsType = TypeVar("SettingsType", bound="Settings")

Listed = FieldInfo(strict=False)
"""Metadata of a tuple: JSON and TOML write it as a list, so that lists are accepted as well."""

_WORDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "path_type": "a path, as text",
    "tuple_type": "a list",
    "dataclass_type": "an object",
    "dataclass_exact_type": "an object",
    "is_instance_of": "an object",
}
"""What to give instead, by Pydantic's type of error."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Metadata of a field: how `ser train` calls its flag.

    Attributes:
        name: Name of the flag, as `--emotions`. None for a setting that only a configuration file can state.
        metavar: What stands for the value in the help; the type unless given.
        names: What the value lists with commas, for completion by the shell; empty for any other value.
    """

    name: str | None
    metavar: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting as its field declares it.

    Attributes:
        path: Names of the fields from the outermost settings to this one.
        type: Type of its values, without metadata.
        field: Its range and its help.
        metadata: Everything else that `Annotated` holds.
    """

    path: tuple[str, ...]
    type: Any
    field: FieldInfo
    metadata: tuple[Any, ...]

    @property
    def help(self) -> str:
        """What the setting means, one or more sentences."""
        return self.field.description or ""

    def found(self, kind: type) -> Any:
        """The first of its metadata of that class, or None."""
        return next((one for one in self.metadata if isinstance(one, kind)), None)

    def of(self, settings: Any) -> Any:
        """Its value in some settings."""
        return functools.reduce(getattr, self.path, settings)


class Settings:
    """Base of frozen dataclasses of settings, whose values are checked when an object is made.

    A class that has to check its fields together does so in `check`.

    Raises:
        UserError: If a value is of another type or out of its range. The message names the field and what to give.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        for name, (adapter, hint) in _adapters(type(self)).items():  # type: ignore[arg-type]  # mypy: no hash of a type
            try:
                object.__setattr__(self, name, adapter.validate_python(getattr(self, name)))
            except ValidationError as error:
                raise UserError(_in_words(name, hint, error.errors()[0])) from error
        self.check()

    def check(self) -> None:
        """Check what concerns several fields; raises a `UserError`."""


def declared(settings: type[Settings], before: tuple[str, ...] = ()) -> Iterator[Declared]:
    """All settings of a class, those of nested classes in their place.

    Args:
        settings: A dataclass.
        before: Names of the fields that lead to it.
    """
    for name, hint in get_type_hints(settings, include_extras=True).items():
        metadata = getattr(hint, "__metadata__", ())
        kind = hint.__origin__ if metadata else hint
        if _is_settings(kind):
            yield from declared(kind, (*before, name))
        else:
            yield Declared((*before, name), kind, _field(hint), metadata)


def changed(settings: SettingsType, values: Mapping[str, Any], where: str = "") -> SettingsType:
    """Settings with some values replaced.

    Args:
        settings: The settings that keep all other values.
        values: New values by field, as JSON and TOML have them. An object for nested settings replaces only the
            fields that it names.
        where: What precedes the names of fields in messages, as `fit.`.

    Returns:
        Settings of the same class.

    Raises:
        UserError: If there is no such field, or it cannot have that value.
    """
    known = [field.name for field in fields(settings)]  # type: ignore[arg-type]  # subclasses are dataclasses
    for name in values:
        if name not in known:
            raise UserError(f"{where}{name} is not a setting: choose one of {', '.join(where + one for one in known)}")
    nested = {
        name: changed(before, value, f"{where}{name}.")
        for name, value in values.items()
        if isinstance(before := getattr(settings, name), Settings) and isinstance(value, Mapping)
    }
    try:
        return replace(settings, **{**values, **nested})  # type: ignore[type-var]
    except UserError as error:
        raise UserError(f"{where}{error}") from error


def range_in_words(field: FieldInfo) -> str:
    """The range of a number, as "1 or more", "a number from 0 to 1" or "a number above 0"; empty for any number."""
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    bounds = {name: getattr(one, name) for one in field.metadata for name in words if hasattr(one, name)}
    if set(bounds) == {"ge", "le"}:
        return f"a number from {bounds['ge']:g} to {bounds['le']:g}"
    if set(bounds) == {"ge"}:
        return f"{bounds['ge']:g} or more"
    ends = " and ".join(f"{words[name]} {bound:g}" for name, bound in bounds.items())
    return f"a number {ends}" if ends else ""


@functools.cache
def _adapters(settings: type[Settings]) -> dict[str, tuple[TypeAdapter, Any]]:
    """For each field, what checks its values, and its type with all metadata."""
    # Strict: text is no number, and true is not 1. Nested settings were checked when they were made.
    config = ConfigDict(strict=True, allow_inf_nan=False)
    return {
        # Mypy reads the subscript as an annotation.
        name: (
            TypeAdapter(InstanceOf[hint]) if _is_settings(hint) else TypeAdapter(hint, config=config),  # type: ignore
            hint,
        )
        for name, hint in get_type_hints(settings, include_extras=True).items()
    }


def _field(hint: Any) -> FieldInfo:
    metadata = getattr(hint, "__metadata__", ())
    return next((one for one in metadata if isinstance(one, FieldInfo) and one.description), FieldInfo())


def _is_settings(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Settings)


def _in_words(name: str, hint: Any, error: ErrorDetails) -> str:
    """One sentence that names the field, its value and what to give."""
    kind = getattr(hint, "__origin__", hint)
    place = name + "".join(f"[{part}]" for part in error["loc"] if isinstance(part, int) and error["type"] != "missing")
    match error["type"]:
        case "literal_error":
            wanted = error["ctx"]["expected"]
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            wanted = range_in_words(_field(hint))
        case "missing" | "too_long":
            wanted = f"a list of {len(get_args(kind))}"
        case other:
            wanted = _WORDS.get(other, error["msg"])
    return f"{place} is {error['input']!r}: give {wanted}"
