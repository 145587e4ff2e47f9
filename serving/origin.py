"""Where a version comes from: `assets.extra/provenance.json`."""

import hashlib
import json
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError
from training.run import Run

FILE = Path("assets.extra") / "provenance.json"
"""Inside a version."""

MEASURED = "measured_speakers"
"""The field that lists on whom the decision for a version was measured, so that nobody of them ever trains."""


def of_run(run: Run, dtype: str) -> dict[str, Any]:
    """What is said of a version that a run is exported as.

    Args:
        run: With weights.
        dtype: Of the version's weights and products.

    Returns:
        `run`, its name; `folder`, where it lay; `model`, SHA-256 of its `model.keras`; `synthetic`, whether it learned
        from synthetic speech; `temperature` of its answers; `dtype`.
    """
    with (run.folder / "model.keras").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "run": run.folder.resolve().name,
        "folder": str(run.folder.resolve()),
        "model": digest,
        "synthetic": run.synthetic,
        "temperature": run.temperature,
        "dtype": dtype,
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
