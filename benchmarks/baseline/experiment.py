"""All classifiers in all folds of a split, their ensemble, and their metrics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.baseline.classifiers import SEQUENCE_RECIPES, VECTOR_RECIPES, FitOptions
from benchmarks.baseline.fold_answers import Candidate, Clips, FoldAnswers, FoldViews, cached_answers, fit
from benchmarks.baseline.folds import Fold, fitting_rows, folds
from benchmarks.baseline.saved_baseline import Fitted, SavedBaseline
from data_pipeline.errors import UserError
from data_pipeline.statistics import FEATURE_SETS, SEQUENCE, FeatureTable
from training.ensemble.pool import Pool
from training.evaluation.metrics import compute_metrics

FEATURES = {
    "study": ("study",),
    "functionals": ("functionals",),
    "sequence": ("sequence",),
    "functionals+sequence": ("functionals", "sequence"),
}
"""Values of `--features`, and the feature sets of each."""

SETS = {**FEATURE_SETS, "sequence": SEQUENCE}

ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class ClassifierResult:
    """The result of a classifier on a split.

    Attributes:
        answers: Probabilities, float32 [clips scored, classes], in the order of `Experiment.scored`.
        metrics: From `training.evaluation.metrics.compute_metrics`, over the scored clips of all folds together.
        seconds: CPU time of a fold's fit, the mean over folds; for the ensemble, the sum over its members.
        settings: The chosen setting of each fold; none for the ensemble.
        weights: Weights of the members of the ensemble by name, the mean over folds; none for the others.
        gains: Share of each feature in the total gain of XGBoost, float [features]; empty for others.
    """

    answers: np.ndarray
    metrics: dict
    seconds: float
    settings: tuple[float, ...]
    weights: dict[str, float]
    gains: np.ndarray


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is compared, on which clips.

    Attributes:
        tables: Features by the name of their set, all of the same clips in the same order.
        labels: Names of the classes.
        fingerprint: Fingerprint of the dataset.
        candidates: The classifiers.
        split: One of `folds.SPLITS`.
        options: What the classifiers are made with.
    """

    tables: dict[str, FeatureTable]
    labels: tuple[str, ...]
    fingerprint: str
    candidates: tuple[Candidate, ...]
    split: str
    options: FitOptions

    @property
    def table(self) -> FeatureTable:
        """One of the tables, for what is known of the clips."""
        return next(iter(self.tables.values()))

    @property
    def clips(self) -> Clips:
        """What is known of all clips."""
        truth = np.array([self.labels.index(emotion) for emotion in self.table.emotions])
        return Clips(truth, self.table.speakers, len(self.labels), self.fingerprint)

    @property
    def pooled(self) -> bool:
        """Whether there is an ensemble."""
        return len(self.candidates) > 1

    def folds(self) -> list[Fold]:
        """The folds of the split."""
        clips = self.clips
        return folds(self.split, self.table.splits, clips.speakers, clips.truth, self.options.seed)

    def scored(self) -> np.ndarray:
        """Rows of the tables that are scored, of all folds one after the other; int [clips]."""
        return np.concatenate([fold.scored for fold in self.folds()])

    def values(self) -> dict[str, np.ndarray]:
        """Features by the name and version of their set, as classifiers take them."""
        return {set_key(name): as_rows(table, SETS[name].framewise) for name, table in self.tables.items()}


def set_key(name: str) -> str:
    """Name and version of a feature set."""
    return f"{name}-{SETS[name].version}"


def as_rows(table: FeatureTable, framewise: bool) -> np.ndarray:
    """The features as classifiers take them: float [clips, features], or if framewise object [clips] of matrices."""
    if not framewise:
        return table.values
    rows = np.empty(len(table.lengths), object)
    rows[:] = table.sequences()
    return rows


def candidates_for(features: str, names: Sequence[str]) -> tuple[Candidate, ...]:
    """The classifiers for a kind of features, or those of them that are named.

    Args:
        features: A key of `FEATURES`.
        names: Names of classifiers; none for all.

    Raises:
        UserError: If one is unknown.
    """
    found = []
    for name in FEATURES[features]:
        recipes = SEQUENCE_RECIPES if SETS[name].framewise else VECTOR_RECIPES
        found += [Candidate(classifier, set_key(name), recipe) for classifier, recipe in recipes.items()]
    known = [candidate.name for candidate in found]
    for name in names:
        if name not in known:
            raise UserError(f"--classifiers {name}: for {features} features there are {', '.join(known)}")
    return tuple(candidate for candidate in found if not names or candidate.name in names)


FitFold = Callable[[Fold, Candidate, Callable[[], FoldViews]], FoldAnswers]
"""From a fold, a classifier and a function that makes the fold's views to the answers of the classifier in the fold."""


def cached_fits(experiment: Experiment, folder: Path, on_done: Callable[[], None]) -> FitFold:
    """A `FitFold` that keeps the answers in a folder, for `run` and `fit_all`.

    Args:
        experiment: What is compared.
        folder: An existing folder.
        on_done: Called after each classifier and fold.
    """
    clips = experiment.clips

    def fit_fold(fold: Fold, candidate: Candidate, views: Callable[[], FoldViews]) -> FoldAnswers:
        found = cached_answers(candidate, views, clips, fold, experiment.options, experiment.pooled, folder)
        on_done()
        return found

    return fit_fold


def run(experiment: Experiment, fit_fold: FitFold) -> dict[str, ClassifierResult]:
    """Fit and score.

    Args:
        experiment: What is compared.
        fit_fold: From `cached_fits`.

    Returns:
        Results by name, the best first, the ensemble last.
    """
    clips, values = experiment.clips, experiment.values()
    names = [candidate.name for candidate in experiment.candidates]
    everyone = [*names, ENSEMBLE] if experiment.pooled else names
    predicted = {name: np.zeros((len(clips.truth), len(experiment.labels))) for name in everyone}
    by_fold: dict[str, list[FoldAnswers]] = {name: [] for name in names}
    weights = []
    for fold in experiment.folds():
        views = cache(lambda fold=fold: FoldViews(values, clips, fold, experiment.options.seed))
        answers = [fit_fold(fold, candidate, views) for candidate in experiment.candidates]
        for name, each in zip(names, answers, strict=True):
            by_fold[name].append(each)
            predicted[name][fold.scored] = each.scored
        if experiment.pooled:
            pool = _pool(answers, clips, clips.truth[fold.fitted])
            weights.append(pool.weights)
            predicted[ENSEMBLE][fold.scored] = pool.answers([each.scored for each in answers])
    scored = experiment.scored()
    results = {name: _result(experiment, predicted[name][scored], scored, by_fold[name]) for name in names}
    ordered = dict(sorted(results.items(), key=lambda item: -item[1].metrics["wa"]))
    if experiment.pooled:
        ordered[ENSEMBLE] = ClassifierResult(
            predicted[ENSEMBLE][scored].astype(np.float32),
            _metrics(experiment, predicted[ENSEMBLE][scored], scored),
            sum(result.seconds for result in results.values()),
            (),
            dict(zip(names, np.mean(weights, axis=0).tolist(), strict=True)),
            np.zeros(0),
        )
    return ordered


def fit_all(experiment: Experiment, fit_fold: FitFold) -> SavedBaseline:
    """Every classifier, fitted to all clips that the split allows it to be fitted on, for saving.

    Args:
        experiment: What is compared.
        fit_fold: From `cached_fits`; gives the settings and the weights of the ensemble.
    """
    clips, values = experiment.clips, experiment.values()
    rows = fitting_rows(experiment.split, experiment.table.splits)
    fold = Fold("all", rows, rows[:0])
    views = FoldViews(values, clips, fold, experiment.options.seed)
    answers = [fit_fold(fold, candidate, lambda: views) for candidate in experiment.candidates]
    weights = _pool(answers, clips, clips.truth[rows]).weights if experiment.pooled else np.ones(1)
    classifiers, projections = {}, {}
    for candidate, each, weight in zip(experiment.candidates, answers, weights, strict=True):
        recipe, setting = candidate.recipe, float(each.setting)
        view = views.outer(candidate.features)
        features = candidate.features.rsplit("-", 1)[0]
        model, _ = fit(recipe, setting, view.values(recipe.projected)[rows], clips.truth[rows], experiment.options)
        if recipe.projected:
            projections[features] = view.projection
        classifiers[candidate.name] = Fitted(candidate.name, features, recipe.projected, setting, model, float(weight))
    speakers = tuple(np.unique(clips.speakers[rows]).tolist())
    return SavedBaseline(experiment.labels, classifiers, projections, speakers, clips.fingerprint)


def _pool(answers: Sequence[FoldAnswers], clips: Clips, truth: np.ndarray) -> Pool:
    """The ensemble of the classifiers; with equal weights if there is only one speaker to fit weights on."""
    if not len(answers[0].inner):
        return Pool.equal(len(answers), clips.classes)
    return Pool.fit([each.inner for each in answers], truth)


def _result(
    experiment: Experiment, predicted: np.ndarray, scored: np.ndarray, answers: Sequence[FoldAnswers]
) -> ClassifierResult:
    gains = np.mean([each.gains / max(each.gains.sum(), 1e-12) for each in answers], axis=0)
    return ClassifierResult(
        predicted.astype(np.float32),
        _metrics(experiment, predicted, scored),
        float(np.mean([each.seconds for each in answers])),
        tuple(float(each.setting) for each in answers),
        {},
        gains,
    )


def _metrics(experiment: Experiment, predicted: np.ndarray, scored: np.ndarray) -> dict:
    clips = experiment.clips
    return compute_metrics(predicted, clips.truth[scored], clips.speakers[scored], experiment.labels)
