"""Fitted classifiers on disk, without pickle: UBJ for XGBoost, skops for scikit-learn, Keras for the network."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.baseline.classifiers import probabilities
from benchmarks.baseline.kernel_ridge import KernelRidge
from benchmarks.baseline.projection import Projection
from benchmarks.baseline.sequence_network import SequenceNetwork
from benchmarks.baseline.xgboost_classifier import XGBoost
from data_pipeline.errors import UserError
from training.ensemble.pool import Pool

_DESCRIPTION = "baseline.json"

_FORMAT = 1

_TRUSTED = [
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
"""Types that skops loads only if they are named. They run no code from the file, but a forged file may crash."""

_OWN_FORMATS: dict[str, Any] = {"kernel-ridge": KernelRidge, "xgboost": XGBoost, "network": SequenceNetwork}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted classifier.

    Attributes:
        name: Name of the classifier.
        features: Name of the feature set.
        projected: Whether it needs projected features.
        setting: The chosen setting.
        model: The fitted classifier.
        weight: Weight in the ensemble.
    """

    name: str
    features: str
    projected: bool
    setting: float
    model: Any
    weight: float


@dataclass(frozen=True, slots=True)
class SavedBaseline:
    """Classifiers that were fitted to the same clips.

    Attributes:
        labels: Names of the classes, in the order of the probabilities.
        classifiers: The classifiers by name.
        projections: Projections by the name of a feature set, those that a classifier needs.
        speakers: Speakers that they were fitted on, each `corpus/speaker`.
        fingerprint: Fingerprint of the dataset.
    """

    labels: tuple[str, ...]
    classifiers: dict[str, Fitted]
    projections: dict[str, Projection]
    speakers: tuple[str, ...]
    fingerprint: str

    def probabilities(self, name: str, values: dict[str, np.ndarray]) -> np.ndarray:
        """Probabilities of a classifier, or of all of them as the `ensemble`.

        Args:
            name: Name of the classifier, or `ensemble`.
            values: Features by the name of their set: float [clips, features], or object [clips] for sequences.

        Returns:
            float [clips, classes].
        """
        if name == "ensemble":
            members = [self.probabilities(member, values) for member in self.classifiers]
            weights = np.array([fitted.weight for fitted in self.classifiers.values()])
            return Pool(weights, np.zeros(len(self.labels))).answers(members)
        fitted = self.classifiers[name]
        matrix = values[fitted.features]
        if fitted.projected:
            matrix = self.projections[fitted.features].apply(matrix)
        return probabilities(fitted.model, matrix, len(self.labels))

    def save(self, folder: Path) -> None:
        """Write a folder, whole or not at all.

        Raises:
            UserError: If it exists already, or cannot be written.
        """
        check_free(folder)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
        except OSError as error:
            raise UserError(f"{folder} cannot be written ({error.strerror}): choose another place") from error
        try:
            self._write(part)
            part.chmod(0o755)
            part.replace(folder)
        except OSError as error:
            raise UserError(f"{folder} cannot be written ({error.strerror}): choose another place") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _write(self, folder: Path) -> None:
        for name, fitted in self.classifiers.items():
            if name in _OWN_FORMATS:
                fitted.model.save(folder / name)
            else:
                import skops.io

                skops.io.dump(fitted.model, folder / f"{name}.skops")
        for features, projection in self.projections.items():
            projection.save(folder / f"projection-{features}.npz")
        description = {
            "format": _FORMAT,
            "labels": self.labels,
            "fingerprint": self.fingerprint,
            "speakers": self.speakers,
            "projections": list(self.projections),
            "classifiers": {
                name: {
                    "features": fitted.features,
                    "projected": fitted.projected,
                    "setting": fitted.setting,
                    "weight": fitted.weight,
                }
                for name, fitted in self.classifiers.items()
            },
        }
        (folder / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "SavedBaseline":
        """Read what `save` wrote. For a folder from someone else, see `_TRUSTED`.

        Raises:
            UserError: If the folder holds no saved baseline.
        """
        try:
            description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{folder} holds no saved baseline (no readable {_DESCRIPTION}): save one first") from error
        if description.get("format") != _FORMAT:
            raise UserError(f"{folder / _DESCRIPTION} is not of format {_FORMAT}: save the baseline again")
        return cls(
            labels=tuple(description["labels"]),
            classifiers={
                name: Fitted(name=name, model=_load_model(folder, name), **fields)
                for name, fields in description["classifiers"].items()
            },
            projections={
                features: Projection.load(folder / f"projection-{features}.npz")
                for features in description["projections"]
            },
            speakers=tuple(description["speakers"]),
            fingerprint=description["fingerprint"],
        )


def check_free(folder: Path) -> None:
    """Check before hours of work that a folder can be written.

    Raises:
        UserError: If it exists already.
    """
    if folder.exists():
        raise UserError(f"{folder} is there already: choose a folder that is not, or remove it")


def _load_model(folder: Path, name: str) -> Any:
    if name in _OWN_FORMATS:
        return _OWN_FORMATS[name].load(folder / name)
    import skops.io

    return skops.io.load(folder / f"{name}.skops", trusted=_TRUSTED)
