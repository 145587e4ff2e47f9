"""Settings of which a file states some: the others keep the values that they have."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from data_pipeline.errors import UserError

Settings = TypeVar("Settings")

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path, as text"}


def with_stated(settings: Settings, stated: Mapping[str, Any], where: str = "") -> Settings:
    """Settings with what a file states in the place of their own values.

    Args:
        settings: A frozen dataclass; those among its fields that are dataclasses may be stated in part.
        stated: By field, as JSON or TOML have them: lists stand for tuples, text for paths, objects for
            dataclasses, which may also stand for themselves.
        where: What the names of fields begin with in messages, as `fit.`.

    Returns:
        Settings of the same class.

    Raises:
        UserError: If a field is unknown, or its value not of its kind or out of its range.
    """
    kinds = get_type_hints(type(settings))
    known = [field.name for field in fields(settings)]  # type: ignore[arg-type]  # any dataclass
    for name in stated:
        if name not in known:
            raise UserError(f"{where}{name} is no setting; there are {', '.join(where + one for one in known)}")
    values = {name: _value(getattr(settings, name), value, kinds[name], where + name) for name, value in stated.items()}
    try:
        return replace(settings, **values)  # type: ignore[type-var]  # any dataclass
    # Some settings check themselves for programmers.
    except ValueError as error:
        raise UserError(f"{where.rstrip('.') or 'the recipe'} is stated wrongly: {error}") from error


def _value(before: Any, stated: Any, kind: Any, name: str) -> Any:
    if is_dataclass(stated):
        return stated
    if is_dataclass(before) and isinstance(stated, Mapping):
        return with_stated(before, stated, f"{name}.")
    return _converted(stated, kind, name)


def _converted(value: Any, kind: Any, name: str) -> Any:
    """A value of JSON or TOML as a field of that kind has it."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(value, get_args(kind), name)
    if origin is Literal:
        return value
    if origin is tuple:
        return _items(value, get_args(kind), name)
    fits = isinstance(value, str if kind is Path else (int, float) if kind is float else kind)
    # Python counts true and false among the whole numbers.
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise UserError(f"{name} is {value!r}: give {_WORDS.get(kind, 'an object')}")
    return kind(value) if kind in (float, Path) else value


def _one_of(value: Any, kinds: tuple[Any, ...], name: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    [kind] = [kind for kind in kinds if kind is not type(None)]
    return _converted(value, kind, name)


def _items(value: Any, kinds: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    count = None if kinds[-1] is Ellipsis else len(kinds)
    if not isinstance(value, list | tuple) or count not in (None, len(value)):
        raise UserError(f"{name} is {value!r}: give a list{f' of {count}' if count else ''}")
    return tuple(
        _converted(item, kinds[0] if count is None else kinds[place], f"{name}[{place}]")
        for place, item in enumerate(value)
    )
