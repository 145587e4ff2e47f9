"""The classifiers, and the settings that each fitting set chooses from by its own speakers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.baseline.kernel_ridge import KernelRidge
from benchmarks.baseline.sequence_network import SequenceNetwork
from benchmarks.baseline.xgboost_classifier import XGBoost


@dataclass(frozen=True, slots=True)
class Making:
    """What a classifier is made with, beside its setting.

    Attributes:
        seed: Of everything random.
        device: Of XGBoost: `cpu` or `cuda`.
        brief: Whether the fit only shows the ensemble how far to trust the classifier, so that less of it will do.
    """

    seed: int
    device: str
    brief: bool


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a classifier is made.

    Attributes:
        make: From one of `settings` and a `Making`, a classifier with `fit` and `classes_`.
        settings: To choose from; several are compared by speaker-grouped cross-validation.
        projected: Whether it works on projected features (see `Projection`) rather than on raw ones.
        at_most_clips: Whether a setting stands for the number of fitted clips where those are fewer.
        version: Goes up with every change of its making, so that results in the cache are left alone.
    """

    make: Callable[[float, Making], Any]
    settings: tuple[float, ...]
    projected: bool
    at_most_clips: bool = False
    version: int = 1


def _xgboost(rounds: float, making: Making) -> XGBoost:
    return XGBoost(round(rounds / 2 if making.brief else rounds), making.seed, making.device)


def _forest(trees: float, making: Making) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    count = round(trees / 2 if making.brief else trees)
    return RandomForestClassifier(count, max_features="sqrt", min_samples_leaf=2, n_jobs=-1, random_state=making.seed)


def _boosting(rounds: float, making: Making) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=round(rounds),
        learning_rate=0.15,
        max_leaf_nodes=12,
        max_features=0.3,
        max_bins=63,
        early_stopping=False,
        random_state=making.seed,
    )


def _neighbours(count: float, _making: Making) -> Any:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    # Of normalised vectors, distances are cosines, which loudness and the number of dimensions trouble less.
    return make_pipeline(
        Normalizer(), KNeighborsClassifier(round(count), weights="distance", algorithm="brute", n_jobs=1)
    )


def _linear_svm(c: float, making: Making) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=c, dual=False, random_state=making.seed)


def _rbf_svm(c: float, _making: Making) -> Any:
    from sklearn.svm import SVC

    return SVC(C=c, gamma="scale", cache_size=500)


def _logistic(c: float, _making: Making) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=500)


def _kernel_ridge(penalty: float, _making: Making) -> KernelRidge:
    return KernelRidge(penalty)


def _network(epochs: float, making: Making) -> SequenceNetwork:
    return SequenceNetwork(round(epochs), making.seed)


VECTOR_RECIPES = {
    "kernel-ridge": Recipe(_kernel_ridge, (0.1, 0.3, 1.0), projected=True),
    "svm-rbf": Recipe(_rbf_svm, (1.5, 3.0, 6.0), projected=True),
    "svm-linear": Recipe(_linear_svm, (1e-4, 1e-3), projected=True),
    "logistic-regression": Recipe(_logistic, (1e-3, 1e-2), projected=True),
    "k-nearest": Recipe(_neighbours, (15, 40), projected=True, at_most_clips=True),
    "gradient-boosting": Recipe(_boosting, (60,), projected=True),
    "random-forest": Recipe(_forest, (300,), projected=False),
    "xgboost": Recipe(_xgboost, (100,), projected=False),
}
"""For a vector a clip. A setting is the penalty of kernel ridge regression, C of the SVMs and of logistic regression,
and else the number of neighbours, of rounds or of trees."""

SEQUENCE_RECIPES = {"network": Recipe(_network, (14,), projected=False)}
"""For a matrix a clip; the setting is the number of epochs."""


def probabilities(model: Any, values: np.ndarray, classes: int) -> np.ndarray:
    """What a fitted classifier answers; float [clips, classes], zero for classes it has not met.

    SVMs answer the softmax of their decision function, whose scale the ensemble learns.
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
