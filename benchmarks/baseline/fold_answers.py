"""One classifier in one fold: its setting chosen by the fitting speakers, then fitted to all of them and asked."""

import hashlib
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.baseline.classifiers import Making, Recipe, probabilities
from benchmarks.baseline.folds import INNER_FOLDS, Fold, inner_folds
from benchmarks.baseline.projection import COMPONENTS
from benchmarks.baseline.view import View
from data_pipeline.storage.atomic_file import replacing


@dataclass(frozen=True, slots=True)
class Contestant:
    """A classifier on a set of features.

    Attributes:
        name: Of the classifier.
        features: Name and version of the feature set.
        recipe: How it is made.
    """

    name: str
    features: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Answers:
    """What a classifier says in a fold.

    Attributes:
        scored: float [scored clips, classes], probabilities.
        inner: float [fitted clips, classes], those of models that had not heard the clip's speaker; no rows where
            nobody asked.
        setting: The one chosen.
        seconds: CPU time of the last fit, the projection included.
        gains: float [features], what XGBoost gained by each; empty for others.
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
        truth: int [clips].
        speakers: strings [clips].
        classes: How many.
        fingerprint: Of the dataset.
    """

    truth: np.ndarray
    speakers: np.ndarray
    classes: int
    fingerprint: str


class FoldViews:
    """The views that a fold's classifiers share, made when first asked for.

    Args:
        values: Features of all clips by the name of their set; see `View`.
        clips: The clips.
        fold: The fold.
        seed: Of projections and of the inner folds.
    """

    def __init__(self, values: dict[str, np.ndarray], clips: Clips, fold: Fold, seed: int) -> None:
        rows = fold.fitted
        inner = inner_folds(clips.truth[rows], clips.speakers[rows], seed)
        self.inner_folds = [(rows[fitted], rows[asked]) for fitted, asked in inner]
        self._outer = {name: View(matrix, rows, seed) for name, matrix in values.items()}
        self._inner = {
            name: [View(matrix, fitted, seed) for fitted, _ in self.inner_folds] for name, matrix in values.items()
        }

    def outer(self, features: str) -> View:
        """As seen from the fold's fitting set."""
        return self._outer[features]

    def inner(self, features: str) -> list[View]:
        """As seen from the fitting sets of the inner folds."""
        return self._inner[features]


def cached_answers(
    contestant: Contestant,
    views: Callable[[], FoldViews],
    clips: Clips,
    fold: Fold,
    making: Making,
    pooled: bool,
    cache: Path,
) -> Answers:
    """What `answers` gives, from the cache where an earlier run put it.

    Args:
        contestant: Who answers.
        views: Called only if the cache has nothing.
        clips: The clips.
        fold: Who is fitted on and who is scored.
        making: What the classifier is made with.
        pooled: Whether inner answers are wanted.
        cache: A folder, which is there.
    """
    path = cache / f"{contestant.name}-{_digest(contestant, clips, fold, making, pooled)}.npz"
    found = _read(path)
    if found is None:
        found = answers(contestant, views(), clips, fold, making, pooled)
        with replacing(path) as part:
            np.savez(part, **asdict(found))
    return found


def answers(
    contestant: Contestant, views: FoldViews, clips: Clips, fold: Fold, making: Making, pooled: bool
) -> Answers:
    """Choose the setting, fit, and ask about the scored clips.

    Settings are compared by the share of the fitting set's clips that are right when their speakers have not been
    heard.
    """
    recipe, truth = contestant.recipe, clips.truth
    setting, inner = recipe.settings[0], np.zeros((0, clips.classes))
    if views.inner_folds and (pooled or len(recipe.settings) > 1):
        tried = [_inner_answers(contestant, value, views, clips, fold, making) for value in recipe.settings]
        right = [(each.argmax(1) == truth[fold.fitted]).mean() for each in tried]
        best = int(np.argmax(right))
        setting = recipe.settings[best]
        inner = tried[best] if pooled else inner
    view = views.outer(contestant.features)
    values = view.values(recipe.projected)
    model, seconds = fit(recipe, setting, values[fold.fitted], truth[fold.fitted], making)
    return Answers(
        scored=probabilities(model, values[fold.scored], clips.classes) if len(fold.scored) else inner[:0],
        inner=inner,
        setting=np.array(setting),
        seconds=np.array(seconds + (view.projection_seconds if recipe.projected else 0.0)),
        gains=model.importance() if hasattr(model, "importance") else np.zeros(0),
    )


def fit(recipe: Recipe, setting: float, values: np.ndarray, truth: np.ndarray, making: Making) -> tuple[Any, float]:
    """A fitted classifier, and the CPU time that it took."""
    if recipe.at_most_clips:
        setting = min(setting, len(truth))
    started = time.process_time()
    return recipe.make(setting, making).fit(values, truth), time.process_time() - started


def _inner_answers(
    contestant: Contestant, setting: float, views: FoldViews, clips: Clips, fold: Fold, making: Making
) -> np.ndarray:
    """What models that have not heard a fitted clip's speaker answer to it; float [fitted clips, classes]."""
    brief = Making(making.seed, making.device, brief=True)
    found = np.zeros((len(clips.truth), clips.classes))
    for view, (fitted, asked) in zip(views.inner(contestant.features), views.inner_folds, strict=True):
        values = view.values(contestant.recipe.projected)
        model, _ = fit(contestant.recipe, setting, values[fitted], clips.truth[fitted], brief)
        found[asked] = probabilities(model, values[asked], clips.classes)
    return found[fold.fitted]


def _digest(contestant: Contestant, clips: Clips, fold: Fold, making: Making, pooled: bool) -> str:
    """Of everything that answers depend on."""
    recipe = contestant.recipe
    parts = (
        clips.fingerprint,
        clips.classes,
        contestant.features,
        recipe.settings,
        recipe.version,
        making,
        pooled,
        INNER_FOLDS,
        COMPONENTS,
        fold.fitted.tolist(),
        fold.scored.tolist(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _read(path: Path) -> Answers | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return Answers(**{name: file[name] for name in file.files})
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        return None
