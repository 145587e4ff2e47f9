"""Published configuration files (`config.json`) of networks, as the settings of ours."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError


def values_of(settings: type, config: Mapping[str, Any], names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The settings that a configuration states.

    Args:
        settings: A dataclass of settings, with a default for each.
        config: Content of a `config.json`. Fields about other things are ignored.
        names: Our name of each published field. Defaults to the same names.

    Returns:
        Values of the kind of the defaults, by our names. What is missing, or null, is left out.

    Raises:
        UserError: If a value is of another kind.
    """
    defaults = {field.name: field.default for field in fields(settings)}
    values = {}
    for published, ours in (names or {name: name for name in defaults}).items():
        # By our own name as well, as `get_config` of a network has it.
        name = published if config.get(published) is not None else ours
        if config.get(name) is None:
            continue
        # Checked here, because a number in quotes would otherwise cause a TypeError in a later comparison.
        try:
            values[ours] = _converted(config[name], defaults[ours])
        except (TypeError, ValueError):
            raise UserError(f"{name} = {config[name]!r} is not of the kind that the configuration needs.") from None
    return values


def read_config(path: Path, network: str) -> dict[str, Any]:
    """Read a `config.json`.

    Args:
        path: The file.
        network: What it should describe, for the error.

    Raises:
        UserError: If it cannot be read, or holds no JSON object.
    """
    try:
        config = json.loads(Path(path).read_text())
        if not isinstance(config, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a {network} config.json ({error})") from error
    return config


def _converted(value: Any, default: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(int(one) for one in value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise TypeError
        return value
    if isinstance(default, str) != isinstance(value, str):
        raise TypeError
    return type(default)(value)
