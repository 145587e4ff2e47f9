"""Whether two models that answered the same clips differ beyond chance.

Clips of one speaker are not independent, and what is easy for one model is mostly easy for the other. So the difference
of two metrics has an interval of its own: speakers are drawn with replacement, the same for both models (paired cluster
bootstrap; Efron and Tibshirani 1993, chapter 13; Bisani and Ney 2004, ICASSP, for recognisers). McNemar's test
(Psychometrika 12, 1947; recommended for classifiers by Dietterich 1998, Neural Computation 10) counts clips that only
one of the two has right; it takes clips for independent, so that its p is too small where speakers differ.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import binomtest

from training.evaluation.metrics import RESAMPLES, accuracy, macro_f1, mean_recall

METRICS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "wa": accuracy,
    "ua": mean_recall,
    "macro_f1": macro_f1,
}
"""Of confusion matrices [..., truth, answer]."""


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the second model is better than the first in one metric.

    Attributes:
        first: The first model's figure, between 0 and 1.
        second: The second's.
        difference: The second's less the first's.
        interval: 95 %, of the difference.
        p: Two-sided: twice the share of resamples in which the difference is not on the side where it is over all
            speakers; at least one over the resamples.
    """

    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True, slots=True)
class McNemar:
    """Clips that only one of two models has right.

    Attributes:
        only_first: Those that the first has right.
        only_second: Those that the second has right.
        p: Two-sided, exact (binomial): of as uneven a split, or a more uneven one, were both as good.
    """

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models side by side.

    Attributes:
        clips: How many both answered.
        speakers: Who spoke them.
        metrics: A difference for each of `METRICS`.
        mcnemar: The clips that only one has right.
    """

    clips: int
    speakers: int
    metrics: dict[str, Difference]
    mcnemar: McNemar

    def to_json(self) -> dict:
        """As an object of plain numbers."""
        return asdict(self)


def compare(
    first: np.ndarray,
    second: np.ndarray,
    truth: np.ndarray,
    speakers: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the same clips.

    Args:
        first: float [clips, classes], answers of the first model.
        second: float [clips, classes], those of the second, to the same clips in the same order.
        truth: int [clips], index of the right class.
        speakers: [clips], who speaks.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        ValueError: If there are no clips, or the lengths or classes differ.
    """
    if first.shape != second.shape or not len(truth) or not len(truth) == len(first) == len(speakers):
        raise ValueError(
            "both models must have answered the same clips, one or more, with the same classes. "
            f"Received: {first.shape}, {second.shape}, {len(truth)} right answers, {len(speakers)} speakers"
        )
    names, member = np.unique(speakers, return_inverse=True)
    confusions = [_confusions(answers.argmax(1), truth, member, first.shape[1]) for answers in (first, second)]
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    resampled = [np.tensordot(draws, confusion, 1) for confusion in confusions]
    return Comparison(
        clips=len(truth),
        speakers=len(names),
        metrics={name: _difference(metric, confusions, resampled) for name, metric in METRICS.items()},
        mcnemar=mcnemar(first.argmax(1) == truth, second.argmax(1) == truth),
    )


def mcnemar(first: np.ndarray, second: np.ndarray) -> McNemar:
    """McNemar's test, exact.

    Args:
        first: bool [clips], whether the first model is right.
        second: bool [clips], whether the second is.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    uneven = only_first + only_second
    return McNemar(only_first, only_second, float(binomtest(only_first, uneven).pvalue) if uneven else 1.0)


def holm(values: Sequence[float]) -> list[float]:
    """P values corrected for how many there are, so that any false alarm is as unlikely as each was (Holm 1979,
    Scandinavian Journal of Statistics 6).

    Args:
        values: Between 0 and 1.

    Returns:
        As many, in the same order.
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected, least = [1.0] * len(values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = least
    return corrected


def _confusions(answers: np.ndarray, truth: np.ndarray, member: np.ndarray, classes: int) -> np.ndarray:
    """A confusion matrix for each speaker, [speakers, truth, answer]."""
    confusions = np.zeros((member.max() + 1, classes, classes))
    np.add.at(confusions, (member, truth, answers), 1)
    return confusions


def _difference(
    metric: Callable[[np.ndarray], np.ndarray], confusions: Sequence[np.ndarray], resampled: Sequence[np.ndarray]
) -> Difference:
    first, second = (float(metric(confusion.sum(0))) for confusion in confusions)
    differences = metric(resampled[1]) - metric(resampled[0])
    low, high = np.percentile(differences, [2.5, 97.5])
    beyond = min((differences <= 0).mean(), (differences >= 0).mean())
    p = min(1.0, max(2 * beyond, 1 / len(differences)))
    return Difference(first, second, second - first, (float(low), float(high)), float(p))
