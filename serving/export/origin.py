"""Where a version comes from: `assets.extra/provenance.json`."""

import json
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError
from training.ensemble.members import model_digest
from training.run.folder import Run

FILE = Path("assets.extra") / "provenance.json"
"""Inside a version."""

_OF_MEMBER = ("name", "folder", "model", "temperature", "weight")

MEASURED = "measured_speakers"
"""The field that lists on whom the decision for a version was measured, so that nobody of them ever trains."""


def of_run(run: Run, dtype: str) -> dict[str, Any]:
    """What is said of a version that a run is exported as.

    Args:
        run: With weights.
        dtype: Of the version's weights and products.

    Returns:
        `run`, its name; `folder`, where it lay; `model`, SHA-256 of its `model.keras`; `synthetic`, whether it learned
        from synthetic speech; `temperature` of its answers; `dtype`; of an ensemble also `members`, each with its
        `name`, `folder`, `model`, `temperature` and `weight`.
    """
    members = [{field: one[field] for field in _OF_MEMBER} for one in run.config["model"].get("members", ())]
    return {
        "run": run.folder.resolve().name,
        "folder": str(run.folder.resolve()),
        "model": model_digest(run),
        "synthetic": run.synthetic,
        "temperature": run.temperature,
        "dtype": dtype,
        **({"members": members} if members else {}),
    }


def read(version: Path) -> dict[str, Any]:
    """What is said of a version; nothing where nobody has said anything.

    Args:
        version: Its folder.

    Raises:
        UserError: If the file is damaged.
    """
    path = version / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON ({error}): export the run again") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is no JSON object: export the run again")
    return content
