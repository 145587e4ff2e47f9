"""One classifier in one fold: choose its setting on the fitting speakers, fit it to all of them, and predict."""

import hashlib
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.baseline.classifiers import ClassifierRecipe, FitOptions, probabilities
from benchmarks.baseline.folds import INNER_FOLDS, Fold, inner_folds
from benchmarks.baseline.projection import COMPONENTS, View
from data_pipeline.storage.atomic_file import replacing


@dataclass(frozen=True, slots=True)
class Candidate:
    """A classifier on a set of features.

    Attributes:
        name: Name of the classifier.
        features: Name and version of the feature set.
        recipe: How the classifier is made.
    """

    name: str
    features: str
    recipe: ClassifierRecipe


@dataclass(frozen=True, slots=True)
class FoldAnswers:
    """What a classifier predicts in a fold.

    Attributes:
        scored: float [scored clips, classes], probabilities.
        inner: float [fitted clips, classes], probabilities from models that were fitted without the clip's speaker; no
            rows if they are not needed.
        setting: The chosen setting.
        seconds: CPU time of the last fit, including the projection.
        gains: float [features], the total gain of each feature in XGBoost; empty for other classifiers.
    """

    scored: np.ndarray
    inner: np.ndarray
    setting: np.ndarray
    seconds: np.ndarray
    gains: np.ndarray


@dataclass(frozen=True, slots=True)
class Clips:
    """What is known of all clips.

    Attributes:
        truth: int [clips], index of the right class.
        speakers: strings [clips].
        classes: Number of classes.
        fingerprint: Fingerprint of the dataset.
    """

    truth: np.ndarray
    speakers: np.ndarray
    classes: int
    fingerprint: str


class FoldViews:
    """The views that the classifiers of a fold share. Each is computed when it is first needed.

    Args:
        values: Features of all clips by the name of their set; see `View`.
        clips: The clips.
        fold: The fold.
        seed: Seed of projections and of the inner folds.
    """

    def __init__(self, values: dict[str, np.ndarray], clips: Clips, fold: Fold, seed: int) -> None:
        rows = fold.fitted
        inner = inner_folds(clips.truth[rows], clips.speakers[rows], seed)
        self.inner_folds = [(rows[fitted], rows[predicted]) for fitted, predicted in inner]
        self._outer = {name: View(matrix, rows, seed) for name, matrix in values.items()}
        self._inner = {
            name: [View(matrix, fitted, seed) for fitted, _ in self.inner_folds] for name, matrix in values.items()
        }

    def outer(self, features: str) -> View:
        """The view with the projection of the fold's fitting set."""
        return self._outer[features]

    def inner(self, features: str) -> list[View]:
        """The views with the projections of the fitting sets of the inner folds."""
        return self._inner[features]


def cached_answers(
    candidate: Candidate,
    views: Callable[[], FoldViews],
    clips: Clips,
    fold: Fold,
    options: FitOptions,
    pooled: bool,
    cache: Path,
) -> FoldAnswers:
    """`fold_answers`, from the cache if an earlier call has put them there.

    Args:
        candidate: The classifier.
        views: Function that makes the views; called only if the cache lacks the answers.
        clips: The clips.
        fold: The clips to fit on and to score.
        options: What the classifier is made with.
        pooled: Whether inner answers are needed.
        cache: An existing folder.
    """
    path = cache / f"{candidate.name}-{_digest(candidate, clips, fold, options, pooled)}.npz"
    found = _read(path)
    if found is None:
        found = fold_answers(candidate, views(), clips, fold, options, pooled)
        with replacing(path) as part:
            np.savez(part, **asdict(found))
    return found


def fold_answers(
    candidate: Candidate, views: FoldViews, clips: Clips, fold: Fold, options: FitOptions, pooled: bool
) -> FoldAnswers:
    """Choose the setting, fit, and predict the scored clips.

    Settings are compared by the share of the fitting set's clips that are right, each predicted by a model that was
    fitted without its speaker. See `cached_answers` for the arguments.
    """
    recipe, truth = candidate.recipe, clips.truth
    setting, inner = recipe.settings[0], np.zeros((0, clips.classes))
    if views.inner_folds and (pooled or len(recipe.settings) > 1):
        tried = [_inner_answers(candidate, value, views, clips, fold, options) for value in recipe.settings]
        right = [(each.argmax(1) == truth[fold.fitted]).mean() for each in tried]
        best = int(np.argmax(right))
        setting = recipe.settings[best]
        inner = tried[best] if pooled else inner
    view = views.outer(candidate.features)
    values = view.values(recipe.projected)
    model, seconds = fit(recipe, setting, values[fold.fitted], truth[fold.fitted], options)
    return FoldAnswers(
        scored=probabilities(model, values[fold.scored], clips.classes) if len(fold.scored) else inner[:0],
        inner=inner,
        setting=np.array(setting),
        seconds=np.array(seconds + (view.projection_seconds if recipe.projected else 0.0)),
        gains=model.importance() if hasattr(model, "importance") else np.zeros(0),
    )


def fit(
    recipe: ClassifierRecipe, setting: float, values: np.ndarray, truth: np.ndarray, options: FitOptions
) -> tuple[Any, float]:
    """A fitted classifier, and the CPU time of the fit."""
    if recipe.at_most_clips:
        setting = min(setting, len(truth))
    started = time.process_time()
    return recipe.make(setting, options).fit(values, truth), time.process_time() - started


def _inner_answers(
    candidate: Candidate, setting: float, views: FoldViews, clips: Clips, fold: Fold, options: FitOptions
) -> np.ndarray:
    """Float [fitted clips, classes], from models that were fitted without the clip's speaker."""
    found = np.zeros((len(clips.truth), clips.classes))
    for view, (fitted, predicted) in zip(views.inner(candidate.features), views.inner_folds, strict=True):
        values = view.values(candidate.recipe.projected)
        model, _ = fit(candidate.recipe, setting, values[fitted], clips.truth[fitted], replace(options, brief=True))
        found[predicted] = probabilities(model, values[predicted], clips.classes)
    return found[fold.fitted]


def _digest(candidate: Candidate, clips: Clips, fold: Fold, options: FitOptions, pooled: bool) -> str:
    """Digest of everything that the answers depend on."""
    recipe = candidate.recipe
    parts = (
        clips.fingerprint,
        clips.classes,
        candidate.features,
        recipe.settings,
        recipe.version,
        options,
        pooled,
        INNER_FOLDS,
        COMPONENTS,
        fold.fitted.tolist(),
        fold.scored.tolist(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _read(path: Path) -> FoldAnswers | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return FoldAnswers(**{name: file[name] for name in file.files})
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        return None
