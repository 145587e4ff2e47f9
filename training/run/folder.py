"""The run folder: what a training writes, enough to use the model and to repeat the training."""

import csv
import io
import json
import platform
import re
import shutil
import zipfile
import zlib
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
"""File with the state of an unfinished training, see `training.fitting.state`."""

_CALIBRATION = "calibration.json"

_HISTORY = "history.csv"

_CONDITION = ("split", "channel", "packet_loss", "measured_against", "fingerprint")
"""Fields of metrics that say what was measured on and against."""

FINGERPRINT_SHOWN = 8
"""Number of characters of a dataset's fingerprint that tell it from others in a title."""

_HALF_WRITTEN = ".*.part.*"
"""Temporary files of `atomic_file.replacing` that a killed training could not remove."""

_FIELDS = ("model", "fit", "front_end", "labels", "label_kind", "data", "weights")
"""Fields of `config.json` that are needed to use a run."""

PACKAGES = ("tensorflow", "keras", "numpy", "speech-emotion-recognition")


@dataclass(frozen=True, slots=True)
class Run:
    """A complete or running training.

    Attributes:
        folder: The folder with `config.json`, `model.keras`, `history.csv`, `metrics.json`, `calibration.json`,
            `report.html`, `model_card.md`, and `answers/` with a table of the answers for each condition.
        config: Content of `config.json`.
        kept_here: Whether this process writes the folder; of several processes that train together one does.
    """

    folder: Path
    config: dict
    kept_here: bool = True

    @classmethod
    def create(cls, folder: Path, config: Mapping, kept_here: bool = True) -> "Run":
        """Make a run folder, or open the folder of the same training that was interrupted.

        Args:
            folder: It must not exist, be empty, or hold an unfinished run with the same configuration and data.
            config: Model, settings, labels and data. The versions of this machine's packages are added.
            kept_here: False where another process writes the folder, which is then not read here.

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
        """Check that the folder holds this very training, interrupted.

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
                f"{self.folder} was started with other versions of Python or its packages: continue with those, or "
                "choose another folder"
            )

    @property
    def state_file(self) -> Path:
        """The file with the state of an unfinished training."""
        return self.folder / STATE

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Read a run folder.

        Raises:
            UserError: If it is no run folder, or no epoch was kept yet.
        """
        folder = Path(folder)
        config = read_run_config(folder)
        if not (folder / "model.keras").is_file():
            raise UserError(
                f"{folder} has no model.keras: its training has kept no epoch yet; continue it with "
                f"`ser train from {folder}`"
            )
        return cls(folder, config)

    @property
    def labels(self) -> tuple[str, ...]:
        """Emotions in the order of the model's outputs."""
        return tuple(self.config["labels"])

    @property
    def synthetic(self) -> bool:
        """Whether it was trained on synthetic speech."""
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
        """What the model receives of a clip.

        Raises:
            UserError: If `config.json` names an unknown one.
        """
        return front_end_from_config(self.config["front_end"])

    def recogniser(self) -> Recogniser:
        """Load the trained model.

        Raises:
            UserError: If `model.keras` cannot be read.
        """
        path = self.folder / "model.keras"
        _refuse_damaged(path)
        try:
            model = self.family.load(path)
        except (ValueError, OSError, KeyError) as error:
            raise UserError(f"{path} cannot be read ({error}): train the run again") from error
        return Recogniser(model, self.labels, self.front_end, self.family, self.temperature)

    @property
    def calibration(self) -> dict | None:
        """Content of `calibration.json` (see `training.evaluation.calibration`), or None without calibration.

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
        """Temperature of the model's answers; 1 without calibration."""
        calibration = self.calibration
        return calibration["temperature"] if calibration else 1.0

    def record_calibration(self, calibration: Mapping) -> None:
        """Replace `calibration.json`."""
        self.write_json(_CALIBRATION, calibration)

    def save_model(self, model: keras.Model) -> None:
        """Replace `model.keras`; a reader sees the old or the new file."""
        with replacing(self.folder / "model.keras") as part:
            model.save(part)

    def write_history(self, rows: Sequence[Mapping[str, float | None]]) -> None:
        """Replace `history.csv`, with one row per epoch; missing figures stay empty."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.folder / _HISTORY, text.getvalue())

    def history(self) -> list[dict[str, float | None]]:
        """The rows of `history.csv`, one per epoch."""
        path = self.folder / _HISTORY
        if not path.is_file():
            return []
        with path.open(newline="") as file:
            return [
                {key: float(value) if value else None for key, value in row.items()} for row in csv.DictReader(file)
            ]

    def metrics(self) -> dict[str, dict]:
        """Content of `metrics.json`: the metrics of each evaluated condition, by its title.

        Raises:
            UserError: If it is damaged.
        """
        path = self.folder / "metrics.json"
        try:
            return json.loads(path.read_text()) if path.is_file() else {}
        except ValueError as error:
            raise UserError(f"{path} is not JSON ({error}): remove it, and evaluate the run again") from error

    def record_metrics(self, metrics: Mapping) -> None:
        """Add or replace the metrics of one condition in `metrics.json`.

        The condition is the same where the fields of `_CONDITION` are, whatever title an earlier version gave it.
        Metrics of another dataset that an earlier version recorded under the title get its fingerprint into theirs.
        """
        recorded: dict[str, Mapping] = {}
        for title, one in self.metrics().items():
            if all(one.get(field) == metrics[field] for field in _CONDITION):
                recorded[metrics["condition"]] = metrics
            elif title == metrics["condition"]:
                longer = f"{title} ({one.get('fingerprint', 'another dataset')[:FINGERPRINT_SHOWN]})"
                recorded[longer] = {**one, "condition": longer}
            else:
                recorded[title] = one
        self.write_json("metrics.json", {**recorded, metrics["condition"]: metrics})

    def record_answers(self, condition: str, answers: Predictions, fingerprint: str) -> None:
        """Write a file of `answers/`: the answer for each clip.

        Args:
            condition: Title of the condition.
            answers: The answers.
            fingerprint: Fingerprint of the dataset.
        """
        path = self._answers_file(condition)
        path.parent.mkdir(exist_ok=True)
        write_answers(path, answers, self.labels, fingerprint)

    def answers(self, condition: str, fingerprint: str) -> Predictions | None:
        """The answers that `record_answers` wrote for the same condition and dataset, or None.

        Raises:
            UserError: If the file is damaged.
        """
        return read_answers(self._answers_file(condition), self.labels, fingerprint)

    def _answers_file(self, condition: str) -> Path:
        return self.folder / "answers" / f"{re.sub(r'[^a-z0-9.%-]+', '_', condition)}.csv"

    def write_json(self, name: str, content: Mapping) -> None:
        """Write a file of the folder, completely or not at all."""
        write_text(self.folder / name, json.dumps(content, indent=2) + "\n")

    @contextmanager
    def discarded_unless_trained(self) -> Iterator[None]:
        """A context in which a failure before the end of the first epoch removes the folder.

        An epoch may end without weights that are kept: the history tells that there is something to resume.
        """
        try:
            yield
        except BaseException:
            if self.kept_here and not any((self.folder / name).exists() for name in ("model.keras", _HISTORY)):
                shutil.rmtree(self.folder, ignore_errors=True)
            raise


def _refuse_damaged(path: Path) -> None:
    """Check the archive of a model before Keras reads it, which says of a half copied one that it is not there.

    Raises:
        UserError: If the file is no whole archive, or a checksum in it is wrong.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} is damaged or incomplete ({error}): copy it again, or train the run again") from error
    if damaged:
        raise UserError(f"{path} is damaged ({damaged}): copy it again, or train the run again")


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that influence the result of a training, on this machine."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def read_run_config(folder: Path) -> dict:
    """Content of `config.json` of a run folder, also where no epoch was completed.

    Raises:
        UserError: If it is no run folder.
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
    """A configuration without what may change while a run is interrupted: the folder of the data.

    Runs of earlier versions do not say how many speakers are unknown, which follows from the fingerprint.
    """
    data = {key: value for key, value in config.get("data", {}).items() if key not in ("folder", "speakers_unknown")}
    return {**{key: value for key, value in config.items() if key != "versions"}, "data": data}
