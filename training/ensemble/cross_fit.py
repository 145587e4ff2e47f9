"""A pool judged on speakers that its weights were not fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.ensemble.pool import Pool


@dataclass(frozen=True, slots=True)
class CrossFit:
    """What pools said of the clips of others.

    Attributes:
        answers: float [clips, classes], each of a pool that was fitted without the clip's fold.
        weights: float [folds, members], of those pools.
    """

    answers: np.ndarray
    weights: np.ndarray


def cross_fit(members: Sequence[np.ndarray], truth: np.ndarray, folds: np.ndarray, biased: bool = False) -> CrossFit:
    """Answers to each fold, of a pool that was fitted on all the others.

    Args:
        members: Answers of each, float [clips, classes], to clips that it was not fitted on.
        truth: int [clips], index of the right class.
        folds: int [clips], the fold of the clip's speaker; two or more different ones.
        biased: See `Pool.fit`.
    """
    answers, weights = np.empty(members[0].shape, np.float64), []
    for fold in np.unique(folds):
        judged = folds == fold
        pool = Pool.fit([each[~judged] for each in members], truth[~judged], biased)
        answers[judged] = pool.answers([each[judged] for each in members])
        weights.append(pool.weights)
    return CrossFit(answers, np.array(weights))
