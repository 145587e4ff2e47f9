"""What a search leaves for others: `trials.csv`, a row a trial, and `best.json`, the settings of the best one."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from data_pipeline.storage.atomic_file import write_text
from training.run.folder import read_run_config
from training.tuning.trial import Trial

TABLE, BEST = "trials.csv", "best.json"


def write_table(folder: Path, trials: Sequence[Trial], names: Sequence[str], folds: int) -> None:
    """Write `trials.csv`: number, state, value, each fold's, each setting, the epochs' seconds, why it ended early.

    Args:
        folder: Of the search.
        trials: In their order.
        names: Of the settings.
        folds: How many there are; those that a trial did not come to are empty.
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
    """Write `best.json`: all that a run's `config.json` says but its data and versions, to train by.

    Args:
        folder: Of the search.
        run: A run folder of the best trial.
    """
    config = {name: value for name, value in read_run_config(run).items() if name not in ("data", "versions")}
    write_text(folder / BEST, json.dumps(config, indent=2) + "\n")
