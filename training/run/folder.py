"""A run folder: everything that a training left behind, enough to use it and to do it again."""

import csv
import io
import json
import platform
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import keras

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing, write_text
from training.families.family import Family
from training.families.registry import family_of
from training.front_end import FrontEnd, front_end_from_config
from training.run.answers import Predictions, read_answers, write_answers
from training.run.recogniser import Recogniser

STATE = "state.npz"
"""Of a training that is not over; see `training.fitting.state`."""

_CALIBRATION = "calibration.json"

_HALF_WRITTEN = ".*.part.*"
"""Files that `atomic_file.replacing` had no time to remove, of a training that was killed."""

_FIELDS = ("model", "fit", "front_end", "labels", "label_kind", "data", "weights")
"""Of `config.json`, needed to use a run."""

PACKAGES = ("tensorflow", "keras", "numpy", "speech-emotion-recognition")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished or running training.

    Attributes:
        folder: Holds `config.json`, `model.keras`, `history.csv`, `metrics.json`, `calibration.json`,
            `report.html`, `model_card.md`, and `answers/` with a table of its answers for each condition.
        config: What `config.json` says.
        kept_here: Whether this process keeps the folder; of several that train together one does.
    """

    folder: Path
    config: dict
    kept_here: bool = True

    @classmethod
    def create(cls, folder: Path, config: Mapping, kept_here: bool = True) -> "Run":
        """Start a run folder, or take up the one of the same training that was interrupted.

        Args:
            folder: Must not exist, be empty, or hold an unfinished run with the same configuration and data.
            config: Model, settings, labels and data; versions of this machine's packages are added.
            kept_here: Where it is false, the folder is not looked at: another process keeps it.

        Raises:
            UserError: If the folder holds anything else.
        """
        folder = Path(folder)
        run = cls(folder, json.loads(json.dumps({**config, "versions": versions()})), kept_here)
        if not kept_here:
            return run
        leftovers = set(folder.glob(_HALF_WRITTEN))
        if folder.exists() and (not folder.is_dir() or set(folder.iterdir()) - leftovers):
            run._refuse_unless_interrupted()
            _remove(leftovers)
            return run
        _remove(leftovers)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{folder} cannot be made ({error.strerror}): choose another folder for this run"
            ) from error
        run.write_json("config.json", run.config)
        return run

    def _refuse_unless_interrupted(self) -> None:
        """Whether the folder holds what this training left when it was interrupted.

        Raises:
            UserError: If it does not.
        """
        another = f"{self.folder} already exists and is not empty: choose another folder for this run"
        try:
            before = json.loads((self.folder / "config.json").read_text())
        except (OSError, ValueError) as error:
            raise UserError(another) from error
        if not isinstance(before, dict) or _what_decides(before) != _what_decides(self.config):
            raise UserError(another)
        if (self.folder / "model.keras").exists() and not self.state_file.exists():
            raise UserError(
                f"{self.folder} already exists and is not empty: it holds this very training, finished; use it, or "
                "choose another folder"
            )
        if before["versions"] != self.config["versions"]:
            raise UserError(
                f"{self.folder} was begun with other versions of Python or its packages: go on with those, or choose "
                "another folder"
            )

    @property
    def state_file(self) -> Path:
        """Where a training that is not over keeps its state."""
        return self.folder / STATE

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Read a run folder.

        Raises:
            UserError: If it is not one, or no epoch of it was finished.
        """
        folder = Path(folder)
        config = read_run_config(folder)
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
    def family(self) -> Family:
        """Family of the model.

        Raises:
            UserError: If `config.json` names none that is known.
        """
        return family_of(self.config)

    @property
    def front_end(self) -> FrontEnd:
        """What the model was trained on.

        Raises:
            UserError: If `config.json` names none that is known.
        """
        return front_end_from_config(self.config["front_end"])

    def recogniser(self) -> Recogniser:
        """Load the model with its best weights.

        Raises:
            UserError: If `model.keras` cannot be read.
        """
        path = self.folder / "model.keras"
        try:
            model = self.family.load(path)
        except (ValueError, OSError, KeyError) as error:
            raise UserError(f"{path} cannot be read ({error}): train the run again") from error
        return Recogniser(model, self.labels, self.front_end, self.family, self.temperature)

    @property
    def calibration(self) -> dict | None:
        """What `calibration.json` says (see `calibrate.calibrate`), or None where the run was not calibrated.

        Raises:
            UserError: If it is damaged.
        """
        path = self.folder / _CALIBRATION
        try:
            return json.loads(path.read_text()) if path.is_file() else None
        except ValueError as error:
            raise UserError(f"{path} is not JSON ({error}): calibrate the run again") from error

    @property
    def temperature(self) -> float:
        """Of the model's answers: 1 where the run was not calibrated."""
        calibration = self.calibration
        return calibration["temperature"] if calibration else 1.0

    def record_calibration(self, calibration: Mapping) -> None:
        """Replace `calibration.json`."""
        self.write_json(_CALIBRATION, calibration)

    def save_model(self, model: keras.Model) -> None:
        """Replace `model.keras`; a reader sees the old or the new one, never half of either."""
        with replacing(self.folder / "model.keras") as part:
            model.save(part)

    def write_history(self, rows: Sequence[Mapping[str, float | None]]) -> None:
        """Replace `history.csv`, a row an epoch; what there is no figure of stays empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.folder / "history.csv", text.getvalue())

    def history(self) -> list[dict[str, float | None]]:
        """The rows of `history.csv`, an epoch each."""
        path = self.folder / "history.csv"
        if not path.is_file():
            return []
        with path.open(newline="") as file:
            return [
                {key: float(value) if value else None for key, value in row.items()} for row in csv.DictReader(file)
            ]

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

    def record_answers(self, condition: str, answers: Predictions, fingerprint: str) -> None:
        """Add or replace a file of `answers/`: what the run said of each clip.

        Args:
            condition: Its title; see `evaluate.Condition`.
            answers: From `evaluate.predict`.
            fingerprint: Of the dataset.
        """
        path = self._answers_file(condition)
        path.parent.mkdir(exist_ok=True)
        write_answers(path, answers, self.labels, fingerprint)

    def answers(self, condition: str, fingerprint: str) -> Predictions | None:
        """What `record_answers` wrote of the same condition and dataset, or None.

        Raises:
            UserError: If the file is damaged.
        """
        return read_answers(self._answers_file(condition), self.labels, fingerprint)

    def _answers_file(self, condition: str) -> Path:
        return self.folder / "answers" / f"{re.sub(r'[^a-z0-9.%-]+', '_', condition)}.csv"

    def write_json(self, name: str, content: Mapping) -> None:
        """Write a file of the folder, whole or not at all."""
        write_text(self.folder / name, json.dumps(content, indent=2) + "\n")

    @contextmanager
    def discarded_unless_trained(self) -> Iterator[None]:
        """Within, a failure before the end of the first epoch leaves no folder: the command can be given again."""
        try:
            yield
        except BaseException:
            if self.kept_here and not (self.folder / "model.keras").exists():
                shutil.rmtree(self.folder, ignore_errors=True)
            raise


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Of Python, and of the packages that decide what a training comes to, on this machine."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def read_run_config(folder: Path) -> dict:
    """What `config.json` of a run folder says, whether or not an epoch of the run was finished.

    Raises:
        UserError: If the folder is not one of a run.
    """
    path = Path(folder) / "config.json"
    if not path.is_file():
        raise UserError(f"{folder} is not a run folder (no config.json): train one with `ser train`")
    try:
        config = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}): train the run again") from error
    missing = set(_FIELDS) - set(config) if isinstance(config, dict) else set(_FIELDS)
    if missing:
        raise UserError(f"{path} lacks {', '.join(sorted(missing))}: train the run again")
    return config


def _what_decides(config: Mapping) -> dict:
    """A configuration without what may change between the start of a run and its going on: where the data lie."""
    data = {key: value for key, value in config.get("data", {}).items() if key != "folder"}
    return {**{key: value for key, value in config.items() if key != "versions"}, "data": data}
