"""JSON files of a checkpoint."""

import json
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError


def read_object(path: Path, remedy: str) -> dict[str, Any]:
    """The object that a JSON file holds.

    Args:
        path: The file.
        remedy: What to do where it is broken, as the end of a sentence.

    Raises:
        UserError: If it cannot be read, or is no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}): {remedy}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} should hold a JSON object and holds a {type(content).__name__}: {remedy}")
    return content
