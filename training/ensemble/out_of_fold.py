"""Metrics of an ensemble and of each member, on speakers that neither the members nor the weights were fitted on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_pipeline.errors import UserError
from training.ensemble.pool import Pool, cross_fit
from training.evaluation import metrics, paired
from training.run.folder import Run

FIGURES = "out_of_fold.json"
"""Name of the file in an ensemble's run folder."""

EQUAL, TOGETHER = "equal weights", "ensemble"
"""Names of the pools among the metrics of the members."""

_IDLE_SHARE = 0.01
"""A member with at most this share of all weight adds nothing."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Probabilities of each member, from trainings without the clip's speaker.

    Attributes:
        answers: Probabilities of each member by name, at its temperature, float [clips, classes].
        truth: int [clips], index of the right emotion.
        speakers: strings [clips].
        folds: int [clips], the fold of the clip's speaker.
        labels: Names of the classes.
    """

    answers: Mapping[str, np.ndarray]
    truth: np.ndarray
    speakers: np.ndarray
    folds: np.ndarray
    labels: Sequence[str]

    def pool(self, biased: bool) -> Pool:
        """The pool that is fitted on all clips, for new speakers.

        Args:
            biased: See `Pool.fit`.
        """
        return Pool.fit(list(self.answers.values()), self.truth, biased)

    def figures(self, biased: bool) -> dict[str, Any]:
        """Metrics of the members and of pools. Each fold is predicted by a pool that was fitted on the other folds.

        Args:
            biased: See `Pool.fit`.

        Returns:
            `clips`, `speakers`, `folds`; `measured`, the metrics (see `metrics.compute_metrics`) of each member by
            name, of `equal weights` and of the `ensemble`; `best`, the member with the highest UA, and `against_best`,
            how the ensemble differs from it (see `paired.ModelComparison`); `fold_weights`, a row for each fold, an
            entry for each member.
        """
        members = list(self.answers.values())
        fitted = cross_fit(members, self.truth, self.folds, biased)
        probabilities = {
            **self.answers,
            EQUAL: Pool.equal(len(members), len(self.labels)).answers(members),
            TOGETHER: fitted.answers,
        }
        measured = {
            name: metrics.compute_metrics(each, self.truth, self.speakers, self.labels)
            for name, each in probabilities.items()
        }
        best = max(self.answers, key=lambda name: measured[name]["ua"])
        compared = paired.compare_models(self.answers[best], fitted.answers, self.truth, self.speakers)
        return {
            "clips": len(self.truth),
            "speakers": compared.speakers,
            "folds": len(fitted.weights),
            "measured": measured,
            "best": best,
            "against_best": compared.to_json(),
            "fold_weights": fitted.weights.tolist(),
        }


def idle(weights: Mapping[str, float]) -> list[str]:
    """The members that add nothing to the others.

    Args:
        weights: Weight of each member by name.
    """
    total = sum(weights.values())
    return [name for name, weight in weights.items() if weight <= _IDLE_SHARE * total]


def read_figures(run: Run) -> dict[str, Any]:
    """The metrics that `OutOfFold.figures` computed of an ensemble.

    Raises:
        UserError: If the file is missing or damaged.
    """
    path = run.folder / FIGURES
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): make the ensemble again") from error
