"""Reading settings from a file that a user wrote, or from a run."""

import json
import tomllib
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError


def read_settings_file(path: Path) -> dict[str, Any]:
    """The settings in a file, by their names in a run's `config.json`.

    Args:
        path: A TOML file (`.toml`), a JSON file, or a run folder, whose `config.json` is read.

    Raises:
        UserError: If there is no such file, or it is not TOML or JSON.
    """
    if path.is_dir():
        path = path / "config.json"
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): give a TOML or JSON file, or a run folder"
        ) from error
    # Text that is not JSON or TOML, or bytes that are not UTF-8.
    except ValueError as error:
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise UserError(f"{path} is not {kind} ({error}): put it right; TOML files end in .toml") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no object: give settings by their names, as in the config.json of a run")
    return content
