"""The files of a search: `search.json`, by which it is resumed, and its results `trials.csv` and `best.json`."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import write_text
from training.run.folder import read_run_config
from training.tuning.trial import Trial

SEARCH, TABLE, BEST = "search.json", "trials.csv", "best.json"

_NAMED = 4
"""Number of differences that a message lists at most."""


def begin_or_resume(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings that a search starts with, or check that the folder holds a search with the same settings.

    Args:
        folder: Folder of the search; it exists.
        settings: Everything that decides the results of the trials. What JSON cannot hold is written as text.

    Raises:
        UserError: If the folder holds anything else, or another search.
    """
    path = folder / SEARCH
    content = json.loads(json.dumps(settings, default=str))
    if not path.exists():
        if any(folder.iterdir()):
            raise UserError(f"{folder} is not empty and holds no search: choose another folder")
        write_text(path, json.dumps(content, indent=2) + "\n")
        return
    try:
        before = dict(_leaves(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): search in another folder") from error
    now = dict(_leaves(content))
    if before != now:
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        differences = [f"{name} ({_shown(before, name)}, now {_shown(now, name)})" for name in names[:_NAMED]]
        more = ["…"] if len(names) > _NAMED else []
        raise UserError(
            f"{folder} holds a search that was started with another {', '.join(differences + more)}: choose another "
            "folder, or give the settings that it was started with"
        )


def write_results(folder: Path, trials: Sequence[Trial], names: Sequence[str], folds: int) -> None:
    """Write `trials.csv`: number, state, value, each fold, each setting, the epochs' seconds, why it ended early.

    Args:
        folder: Folder of the search.
        trials: The trials, in their order.
        names: Names of the settings.
        folds: Number of folds; those that a trial did not reach are empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"fold_{number}" for number in range(1, folds + 1)]
    writer.writerow(["trial", "state", "value", *columns, *names, "seconds", "reason"])
    for trial in trials:
        values = [*trial.folds, *[""] * (folds - len(trial.folds))]
        settings = [trial.settings.get(name, "") for name in names]
        writer.writerow(
            [trial.number, trial.state, trial.value, *values, *settings, round(trial.seconds, 2), trial.reason]
        )
    write_text(folder / TABLE, text.getvalue())


def write_best(folder: Path, run: Path) -> None:
    """Write `best.json`, settings to train by: the `config.json` of a run without its data and versions.

    Args:
        folder: Folder of the search.
        run: A run folder of the best trial.
    """
    config = {name: value for name, value in read_run_config(run).items() if name not in ("data", "versions")}
    write_text(folder / BEST, json.dumps(config, indent=2) + "\n")


def _leaves(content: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from _leaves(value, f"{name}.{key}" if name else key)
    else:
        yield name, content


def _shown(values: Mapping[str, Any], name: str) -> str:
    return json.dumps(values[name]) if name in values else "none"
