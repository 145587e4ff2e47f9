"""The classifiers, and the settings that are chosen from by cross-validation within each fitting set."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.baseline.kernel_ridge import KernelRidge
from benchmarks.baseline.sequence_network import SequenceNetwork
from benchmarks.baseline.xgboost_classifier import XGBoost


@dataclass(frozen=True, slots=True)
class FitOptions:
    """What a classifier is made with, beside its setting.

    Attributes:
        seed: Seed of everything random.
        device: Device of XGBoost: `cpu` or `cuda`.
        brief: Whether the fit only serves to find the weight in the ensemble, for which a shorter fit is enough.
    """

    seed: int
    device: str
    brief: bool


@dataclass(frozen=True, slots=True)
class ClassifierRecipe:
    """How a classifier is made.

    Attributes:
        make: Function from one of `settings` and `FitOptions` to a classifier with `fit` and `classes_`.
        settings: Settings to choose from; several are compared by cross-validation by speaker.
        projected: Whether it works on projected features (see `Projection`) instead of raw ones.
        at_most_clips: Whether the setting is a number of clips, which is limited to the number of fitted clips.
        version: Number that is increased with every change, so that older results in the cache are not used.
    """

    make: Callable[[float, FitOptions], Any]
    settings: tuple[float, ...]
    projected: bool
    at_most_clips: bool = False
    version: int = 1


def _xgboost(rounds: float, options: FitOptions) -> XGBoost:
    return XGBoost(round(rounds / 2 if options.brief else rounds), options.seed, options.device)


def _forest(trees: float, options: FitOptions) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    count = round(trees / 2 if options.brief else trees)
    return RandomForestClassifier(count, max_features="sqrt", min_samples_leaf=2, n_jobs=-1, random_state=options.seed)


def _boosting(rounds: float, options: FitOptions) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=round(rounds),
        learning_rate=0.15,
        max_leaf_nodes=12,
        max_features=0.3,
        max_bins=63,
        early_stopping=False,
        random_state=options.seed,
    )


def _neighbours(count: float, _options: FitOptions) -> Any:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    # Distances of normalised vectors are cosines, which depend less on loudness and the number of dimensions.
    return make_pipeline(
        Normalizer(), KNeighborsClassifier(round(count), weights="distance", algorithm="brute", n_jobs=1)
    )


def _linear_svm(c: float, options: FitOptions) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=c, dual=False, random_state=options.seed)


def _rbf_svm(c: float, _options: FitOptions) -> Any:
    from sklearn.svm import SVC

    return SVC(C=c, gamma="scale", cache_size=500)


def _logistic(c: float, _options: FitOptions) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=500)


def _kernel_ridge(penalty: float, _options: FitOptions) -> KernelRidge:
    return KernelRidge(penalty)


def _network(epochs: float, options: FitOptions) -> SequenceNetwork:
    return SequenceNetwork(round(epochs), options.seed)


VECTOR_RECIPES = {
    "kernel-ridge": ClassifierRecipe(_kernel_ridge, (0.1, 0.3, 1.0), projected=True),
    "svm-rbf": ClassifierRecipe(_rbf_svm, (1.5, 3.0, 6.0), projected=True),
    "svm-linear": ClassifierRecipe(_linear_svm, (1e-4, 1e-3), projected=True),
    "logistic-regression": ClassifierRecipe(_logistic, (1e-3, 1e-2), projected=True),
    "k-nearest": ClassifierRecipe(_neighbours, (15, 40), projected=True, at_most_clips=True),
    "gradient-boosting": ClassifierRecipe(_boosting, (60,), projected=True),
    "random-forest": ClassifierRecipe(_forest, (300,), projected=False),
    "xgboost": ClassifierRecipe(_xgboost, (100,), projected=False),
}
"""Recipes for one vector of features a clip. The setting is the penalty of kernel ridge regression, C of the SVMs and
of logistic regression, and otherwise the number of neighbours, of rounds or of trees."""

SEQUENCE_RECIPES = {"network": ClassifierRecipe(_network, (14,), projected=False)}
"""Recipes for one matrix of features a clip. The setting is the number of epochs."""


def probabilities(model: Any, values: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of a fitted classifier, float [clips, classes]; zero for classes that it was not fitted on.

    For SVMs they are the softmax of the decision function, whose scale the weights of the ensemble correct.
    """
    if hasattr(model, "predict_proba"):
        known = np.asarray(model.predict_proba(values), np.float64)
    else:
        scores = np.asarray(model.decision_function(values))
        if scores.ndim == 1:
            scores = np.stack([-scores, scores], axis=1)
        known = np.exp(scores - scores.max(1, keepdims=True))
        known /= known.sum(1, keepdims=True)
    answers = np.zeros((len(values), classes))
    answers[:, model.classes_] = known
    return answers
