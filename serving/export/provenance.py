"""Which run a version was exported from: `assets.extra/provenance.json`."""

import json
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError
from training.ensemble.members import model_digest
from training.run.folder import Run

PROVENANCE_FILE = Path("assets.extra") / "provenance.json"
"""Relative to the version's folder."""

MEASURED_SPEAKERS = "measured_speakers"
"""Field that lists the speakers on whom the promotion of this version was decided. They must never be used for
training."""

_MEMBER_FIELDS = ("name", "folder", "model", "temperature", "weight")


def run_provenance(run: Run, dtype: str) -> dict[str, Any]:
    """Describe where an exported version comes from.

    Args:
        run: A run with trained weights.
        dtype: Data type of the version's weights and products.

    Returns:
        `run`, the run's name; `folder`, its path at the time of the export; `model`, the SHA-256 of its `model.keras`;
        `synthetic`, whether it was trained on synthetic speech; `temperature` of its answers; `dtype`; for an ensemble
        also `members`, each with its `name`, `folder`, `model`, `temperature` and `weight`.
    """
    members = [{field: one[field] for field in _MEMBER_FIELDS} for one in run.config["model"].get("members", ())]
    return {
        "run": run.folder.resolve().name,
        "folder": str(run.folder.resolve()),
        "model": model_digest(run),
        "synthetic": run.synthetic,
        "temperature": run.temperature,
        "dtype": dtype,
        **({"members": members} if members else {}),
    }


def read_provenance(version: Path) -> dict[str, Any]:
    """Read a version's provenance.

    Args:
        version: The version's folder.

    Returns:
        The content of `provenance.json`; an empty dictionary if the version has no such file.

    Raises:
        UserError: If the file is damaged.
    """
    path = version / PROVENANCE_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON ({error}): export the run again") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is no JSON object: export the run again")
    return content
