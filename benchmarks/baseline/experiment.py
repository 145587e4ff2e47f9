"""All classifiers in all folds of a split, their ensemble, and their figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.baseline.classifiers import SEQUENCE_RECIPES, VECTOR_RECIPES, Making
from benchmarks.baseline.fold_answers import Answers, Clips, Contestant, FoldViews, cached_answers, fit
from benchmarks.baseline.folds import Fold, folds, rows_of
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
"""What can be asked for, and the sets that it takes."""

SETS = {**FEATURE_SETS, "sequence": SEQUENCE}

ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a classifier showed on a split.

    Attributes:
        answers: Probabilities, float32 [clips scored, classes], in the order of `Experiment.scored`.
        metrics: From `training.evaluation.metrics.compute_metrics`, over the scored clips of all folds together.
        seconds: CPU time of a fold's fit, the mean over folds; of the ensemble, that of its members.
        settings: Chosen, a fold each; none for the ensemble.
        weights: Of the members of the ensemble, the mean over folds, by name; none for the others.
        gains: Share of each feature in what XGBoost gained, float [features]; empty for others.
    """

    answers: np.ndarray
    metrics: dict
    seconds: float
    settings: tuple[float, ...]
    weights: dict[str, float]
    gains: np.ndarray


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is compared on which clips.

    Attributes:
        tables: Features by the name of their set, all of the same clips in the same order.
        labels: Of the classes.
        fingerprint: Of the dataset.
        contestants: The classifiers.
        split: One of `folds.SPLITS`.
        making: What the classifiers are made with.
    """

    tables: dict[str, FeatureTable]
    labels: tuple[str, ...]
    fingerprint: str
    contestants: tuple[Contestant, ...]
    split: str
    making: Making

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
        return len(self.contestants) > 1

    def folds(self) -> list[Fold]:
        """The folds of the split."""
        clips = self.clips
        return folds(self.split, self.table.splits, clips.speakers, clips.truth, self.making.seed)

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


def contestants(features: str, names: Sequence[str]) -> tuple[Contestant, ...]:
    """The classifiers that features are for, or those of them that are named.

    Args:
        features: A key of `FEATURES`.
        names: Of classifiers; none for all.

    Raises:
        UserError: If one is unknown.
    """
    found = []
    for name in FEATURES[features]:
        recipes = SEQUENCE_RECIPES if SETS[name].framewise else VECTOR_RECIPES
        found += [Contestant(classifier, set_key(name), recipe) for classifier, recipe in recipes.items()]
    known = [contestant.name for contestant in found]
    for name in names:
        if name not in known:
            raise UserError(f"--classifiers {name}: for {features} features there are {', '.join(known)}")
    return tuple(contestant for contestant in found if not names or contestant.name in names)


Ask = Callable[[Fold, Contestant, Callable[[], FoldViews]], Answers]
"""Gives the answers of a classifier in a fold; the fold's views are made if need be."""


def asking(experiment: Experiment, kept: Path, on_done: Callable[[], None]) -> Ask:
    """Answers that are kept in a folder, for `run` and `fitted`.

    Args:
        experiment: What is compared.
        kept: The folder, which is there.
        on_done: Called after each classifier and fold.
    """
    clips = experiment.clips

    def ask(fold: Fold, contestant: Contestant, views: Callable[[], FoldViews]) -> Answers:
        found = cached_answers(contestant, views, clips, fold, experiment.making, experiment.pooled, kept)
        on_done()
        return found

    return ask


def run(experiment: Experiment, ask: Ask) -> dict[str, Outcome]:
    """Fit and score.

    Args:
        experiment: What is compared.
        ask: From `asking`.

    Returns:
        Outcomes by name, best first, the ensemble last.
    """
    clips, values = experiment.clips, experiment.values()
    names = [contestant.name for contestant in experiment.contestants]
    everyone = [*names, ENSEMBLE] if experiment.pooled else names
    said = {name: np.zeros((len(clips.truth), len(experiment.labels))) for name in everyone}
    given: dict[str, list[Answers]] = {name: [] for name in names}
    weights = []
    for fold in experiment.folds():
        views = cache(lambda fold=fold: FoldViews(values, clips, fold, experiment.making.seed))
        answers = [ask(fold, contestant, views) for contestant in experiment.contestants]
        for name, each in zip(names, answers, strict=True):
            given[name].append(each)
            said[name][fold.scored] = each.scored
        if experiment.pooled:
            pool = _pool(answers, clips, clips.truth[fold.fitted])
            weights.append(pool.weights)
            said[ENSEMBLE][fold.scored] = pool.answers([each.scored for each in answers])
    scored = experiment.scored()
    outcomes = {name: _outcome(experiment, said[name][scored], scored, given[name]) for name in names}
    ordered = dict(sorted(outcomes.items(), key=lambda item: -item[1].metrics["wa"]))
    if experiment.pooled:
        ordered[ENSEMBLE] = Outcome(
            said[ENSEMBLE][scored].astype(np.float32),
            _metrics(experiment, said[ENSEMBLE][scored], scored),
            sum(outcome.seconds for outcome in outcomes.values()),
            (),
            dict(zip(names, np.mean(weights, axis=0).tolist(), strict=True)),
            np.zeros(0),
        )
    return ordered


def fitted(experiment: Experiment, ask: Ask) -> SavedBaseline:
    """Every classifier fitted to all clips that the split lets it be fitted on, for keeping.

    Args:
        experiment: What is compared.
        ask: From `asking`; tells the settings and the weights of the ensemble.
    """
    clips, values = experiment.clips, experiment.values()
    rows = rows_of(experiment.split, experiment.table.splits)
    fold = Fold("all", rows, rows[:0])
    views = FoldViews(values, clips, fold, experiment.making.seed)
    answers = [ask(fold, contestant, lambda: views) for contestant in experiment.contestants]
    weights = _pool(answers, clips, clips.truth[rows]).weights if experiment.pooled else np.ones(1)
    classifiers, projections = {}, {}
    for contestant, each, weight in zip(experiment.contestants, answers, weights, strict=True):
        recipe, setting = contestant.recipe, float(each.setting)
        view = views.outer(contestant.features)
        features = contestant.features.rsplit("-", 1)[0]
        model, _ = fit(recipe, setting, view.values(recipe.projected)[rows], clips.truth[rows], experiment.making)
        if recipe.projected:
            projections[features] = view.projection
        classifiers[contestant.name] = Fitted(
            contestant.name, features, recipe.projected, setting, model, float(weight)
        )
    speakers = tuple(np.unique(clips.speakers[rows]).tolist())
    return SavedBaseline(experiment.labels, classifiers, projections, speakers, clips.fingerprint)


def _pool(answers: Sequence[Answers], clips: Clips, truth: np.ndarray) -> Pool:
    """Of the members; of equal weights where a single speaker was fitted on, whom nobody can stand in for."""
    if not len(answers[0].inner):
        return Pool.equal(len(answers), clips.classes)
    return Pool.fit([each.inner for each in answers], truth)


def _outcome(experiment: Experiment, said: np.ndarray, scored: np.ndarray, answers: Sequence[Answers]) -> Outcome:
    gains = np.mean([each.gains / max(each.gains.sum(), 1e-12) for each in answers], axis=0)
    return Outcome(
        said.astype(np.float32),
        _metrics(experiment, said, scored),
        float(np.mean([each.seconds for each in answers])),
        tuple(float(each.setting) for each in answers),
        {},
        gains,
    )


def _metrics(experiment: Experiment, said: np.ndarray, scored: np.ndarray) -> dict:
    clips = experiment.clips
    return compute_metrics(said, clips.truth[scored], clips.speakers[scored], experiment.labels)
