"""A run folder: everything that a training left behind, enough to use it and to do it again."""

import csv
import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import keras

from data_pipeline.atomic_file import replacing, write_text
from data_pipeline.errors import UserError
from data_pipeline.log_mel import LogMelSettings
from training.models import windows  # noqa: F401  registers the layers that model.keras names
from training.recogniser import Recogniser

_FIELDS = ("model", "fit", "front_end", "labels", "label_kind", "data", "weights")
"""Of `config.json`, needed to use a run."""

PACKAGES = ("tensorflow", "keras", "numpy", "speech-emotion-recognition")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished or running training.

    Attributes:
        folder: Holds `config.json`, `model.keras`, `history.csv`, `metrics.json`, `report.html`.
        config: What `config.json` says.
    """

    folder: Path
    config: dict

    @classmethod
    def create(cls, folder: Path, config: Mapping) -> "Run":
        """Start a run folder.

        Args:
            folder: Must not exist, or be empty.
            config: Model, settings, labels and data; versions of this machine's packages are added.

        Raises:
            UserError: If the folder holds anything.
        """
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} already exists and is not empty: choose another folder for this run")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{folder} cannot be made ({error.strerror}): choose another folder for this run"
            ) from error
        versions = {
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        }
        run = cls(folder, {**config, "versions": versions})
        run.write_json("config.json", run.config)
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Read a run folder.

        Raises:
            UserError: If it is not one, or no epoch of it was finished.
        """
        folder = Path(folder)
        path = folder / "config.json"
        if not path.is_file():
            raise UserError(f"{folder} is not a run folder (no config.json): train one with `ser train`")
        try:
            config = json.loads(path.read_text())
        except ValueError as error:
            raise UserError(f"{path} is not JSON ({error}): train the run again") from error
        missing = set(_FIELDS) - set(config) if isinstance(config, dict) else set(_FIELDS)
        if missing:
            raise UserError(f"{path} lacks {', '.join(sorted(missing))}: train the run again")
        if not (folder / "model.keras").is_file():
            raise UserError(f"{folder} has no model.keras: no epoch of its training was finished; train it again")
        return cls(folder, config)

    @property
    def labels(self) -> tuple[str, ...]:
        """Emotions in the order of the model's outputs."""
        return tuple(self.config["labels"])

    @property
    def synthetic(self) -> bool:
        """Whether it learnt from speech made by a machine."""
        return self.config["data"]["synthetic"]

    @property
    def front_end(self) -> LogMelSettings:
        """The log-mel settings that the model was trained with."""
        return LogMelSettings(**self.config["front_end"])

    def recogniser(self) -> Recogniser:
        """Load the model with its best weights.

        Raises:
            UserError: If `model.keras` cannot be read.
        """
        path = self.folder / "model.keras"
        try:
            model = keras.saving.load_model(path, compile=False)
        except (ValueError, OSError, KeyError) as error:
            raise UserError(f"{path} cannot be read ({error}): train the run again") from error
        return Recogniser(model, self.labels, self.front_end)

    def save_model(self, model: keras.Model) -> None:
        """Replace `model.keras`; a reader sees the old or the new one, never half of either."""
        with replacing(self.folder / "model.keras") as part:
            model.save(part)

    def append_history(self, row: Mapping[str, float]) -> None:
        """Add an epoch to `history.csv`."""
        path = self.folder / "history.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)

    def history(self) -> list[dict[str, float]]:
        """The rows of `history.csv`, an epoch each."""
        path = self.folder / "history.csv"
        if not path.is_file():
            return []
        with path.open(newline="") as file:
            return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]

    def metrics(self) -> dict[str, dict]:
        """What `metrics.json` says: for each condition that was evaluated, by its title, the metrics.

        Raises:
            UserError: If it is damaged.
        """
        path = self.folder / "metrics.json"
        try:
            return json.loads(path.read_text()) if path.is_file() else {}
        except ValueError as error:
            raise UserError(f"{path} is not JSON ({error}): remove it, and evaluate the run again") from error

    def record_metrics(self, metrics: Mapping) -> None:
        """Add or replace the metrics of one condition in `metrics.json`; `metrics["condition"]` says which."""
        self.write_json("metrics.json", {**self.metrics(), metrics["condition"]: metrics})

    def write_json(self, name: str, content: Mapping) -> None:
        """Write a file of the folder, whole or not at all."""
        write_text(self.folder / name, json.dumps(content, indent=2) + "\n")

    def discard_unless_trained(self) -> None:
        """Remove the folder if no epoch was finished, so that the same command can be given again."""
        if not (self.folder / "model.keras").exists():
            shutil.rmtree(self.folder, ignore_errors=True)
