"""How well an ensemble does on speakers whom neither its members nor its weights knew, beside each member alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.errors import UserError
from training.ensemble.cross_fit import cross_fit
from training.ensemble.pool import Pool
from training.evaluation import metrics, paired
from training.run.folder import Run

FIGURES = "out_of_fold.json"
"""File of an ensemble's run folder."""

EQUAL, TOGETHER = "equal weights", "ensemble"
"""What pools are called among the figures of members."""

_NOTHING = 0.01
"""Share of all weight below which a member adds nothing."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What each member's like says of clips whose speakers it has not heard.

    Attributes:
        answers: Of each member by name, at its temperature, float [clips, classes].
        truth: int [clips], index of the right emotion.
        speakers: strings [clips].
        folds: int [clips], the fold of the clip's speaker.
        labels: Of the classes.
    """

    answers: Mapping[str, np.ndarray]
    truth: np.ndarray
    speakers: np.ndarray
    folds: np.ndarray
    labels: Sequence[str]

    def pool(self, biased: bool) -> Pool:
        """The pool fitted on all of them, for asking it about others.

        Args:
            biased: See `Pool.fit`.
        """
        return Pool.fit(list(self.answers.values()), self.truth, biased)

    def figures(self, biased: bool) -> dict:
        """What everybody is worth on speakers that nobody knew.

        The pool that is judged on a fold was fitted on the others, and so judges nobody whom it was fitted on.

        Args:
            biased: See `Pool.fit`.

        Returns:
            `clips`, `speakers`, `folds`; `measured`, what `metrics.compute_metrics` gives of each member by name, of
            `equal weights` and of the `ensemble`; `best`, the member with the highest UA, and `against_best`, the
            ensemble's difference to it (see `paired.ModelComparison`); `fold_weights`, a row a fold, an entry a member.
        """
        members = list(self.answers.values())
        fitted = cross_fit(members, self.truth, self.folds, biased)
        said = {
            **self.answers,
            EQUAL: Pool.equal(len(members), len(self.labels)).answers(members),
            TOGETHER: fitted.answers,
        }
        measured = {
            name: metrics.compute_metrics(answers, self.truth, self.speakers, self.labels)
            for name, answers in said.items()
        }
        best = max(self.answers, key=lambda name: measured[name]["ua"])
        compared = paired.compare_models(self.answers[best], fitted.answers, self.truth, self.speakers)
        return {
            "clips": len(self.truth),
            "speakers": len(np.unique(self.speakers)),
            "folds": len(np.unique(self.folds)),
            "measured": measured,
            "best": best,
            "against_best": compared.to_json(),
            "fold_weights": fitted.weights.tolist(),
        }


def idle(weights: Mapping[str, float]) -> list[str]:
    """The members that add nothing to the others, by their weights.

    Args:
        weights: Of each member by name.
    """
    total = sum(weights.values())
    return [name for name, weight in weights.items() if weight <= _NOTHING * total]


def read_figures(run: Run) -> dict:
    """What `OutOfFold.figures` gave of an ensemble.

    Raises:
        UserError: If the file is missing or damaged.
    """
    path = run.folder / FIGURES
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): make the ensemble again") from error
