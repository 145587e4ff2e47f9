"""What a search was begun with: `search.json`, so that only the same search goes on in its folder."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import write_text

FILE = "search.json"

_NAMED = 4
"""Differences that a message lists at most."""


def take_up(folder: Path, search: Mapping[str, Any]) -> None:
    """Note what a search is begun with, or see that it is the one that the folder holds.

    Args:
        folder: Of the search; there already.
        search: Whatever decides what its trials come to. What JSON does not know is noted as text.

    Raises:
        UserError: If the folder holds anything else, or another search.
    """
    path = folder / FILE
    noted = json.loads(json.dumps(search, default=str))
    if not path.exists():
        if any(folder.iterdir()):
            raise UserError(f"{folder} is not empty and holds no search: choose another folder")
        write_text(path, json.dumps(noted, indent=2) + "\n")
        return
    try:
        before = dict(_leaves(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): search in another folder") from error
    now = dict(_leaves(noted))
    if before != now:
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        differences = [f"{name} ({_shown(before, name)}, now {_shown(now, name)})" for name in names[:_NAMED]]
        more = ["…"] if len(names) > _NAMED else []
        raise UserError(
            f"{folder} holds a search that was begun with another {', '.join(differences + more)}: choose another "
            "folder, or give what it was begun with"
        )


def _leaves(content: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from _leaves(value, f"{name}.{key}" if name else key)
    else:
        yield name, content


def _shown(values: Mapping[str, Any], name: str) -> str:
    return json.dumps(values[name]) if name in values else "none"
