"""Differences between two models that predicted the same clips, and their uncertainty.

Clips of one speaker are not independent, and clips that are easy for one model are mostly easy for the other. So
speakers are drawn with replacement, the same ones for both models (paired cluster bootstrap; Efron and Tibshirani 1993,
chapters 8 and 13; Bisani and Ney 2004, ICASSP, for speech recognisers). The resampled differences give a percentile
interval and a p value for reports. For decisions they give a standard error, from which Student's interval follows,
since percentile intervals are too narrow on few speakers (Hesterberg 2015, doi:10.1080/00031305.2015.1089789).

McNemar's test (Psychometrika 12, 1947; recommended for classifiers by Dietterich 1998, Neural Computation 10) counts
the clips that only one of the two models has right. It treats clips as independent, so its p is too small where
speakers differ.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binomtest

from training.evaluation.bootstrap import RESAMPLES, draw_speakers, percentile_interval
from training.evaluation.metrics import accuracy, macro_f1, mean_recall

Metric = Callable[[np.ndarray], np.ndarray]
"""A function of confusion matrices [..., truth, prediction] that returns [...]."""

METRICS: Mapping[str, Metric] = {"wa": accuracy, "ua": mean_recall, "macro_f1": macro_f1}


@dataclass(frozen=True, slots=True, eq=False)
class ResampledDifference:
    """One metric of two models, and their difference in each resample of the speakers.

    Attributes:
        first: Metric of the first model, between 0 and 1.
        second: Metric of the second model.
        speakers: Number of speakers.
        resamples: float [resamples], the second model's metric minus the first's.
    """

    first: float
    second: float
    speakers: int
    resamples: np.ndarray

    @property
    def difference(self) -> float:
        """The second model's metric minus the first's."""
        return self.second - self.first

    @property
    def p(self) -> float:
        """Two-sided p value, at least one over the number of resamples.

        Twice the share of resamples in which the difference does not have the sign that it has over all speakers.
        """
        beyond = min((self.resamples <= 0).mean(), (self.resamples >= 0).mean())
        return float(min(1.0, max(2 * beyond, 1 / len(self.resamples))))

    @property
    def standard_error(self) -> float:
        """Standard error of the difference; at least two speakers are needed."""
        # The bootstrap's variance divides by the number of speakers, the unbiased variance by one less.
        return float(self.resamples.std(ddof=1)) * math.sqrt(self.speakers / (self.speakers - 1))


def resampled_differences(
    first: np.ndarray,
    second: np.ndarray,
    truth: np.ndarray,
    speakers: np.ndarray,
    classes: int,
    metrics: Mapping[str, Metric],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, ResampledDifference]:
    """Compare two models on the same clips, which both received through the same channels.

    Args:
        first: int [channels, clips], the classes that the first model predicts.
        second: int [channels, clips], those of the second model.
        truth: int [clips], index of the right class.
        speakers: [clips], who speaks.
        classes: Number of classes.
        metrics: Metrics to compare, by name. Each is the mean over the channels.
        resamples: Number of resamples of the bootstrap.
        seed: Seed of the bootstrap.
    """
    names, member = np.unique(speakers, return_inverse=True)
    by_speaker = [np.zeros((len(names), len(first), classes, classes)) for _ in range(2)]
    for confusions, predicted in zip(by_speaker, (first, second), strict=True):
        channel, clip = np.indices(predicted.shape)
        np.add.at(confusions, (member[clip], channel, truth[clip], predicted), 1)
    draws = draw_speakers(len(names), resamples, seed)
    resampled = [np.tensordot(draws, confusions, 1) for confusions in by_speaker]
    return {
        name: ResampledDifference(
            float(metric(by_speaker[0].sum(0)).mean()),
            float(metric(by_speaker[1].sum(0)).mean()),
            len(names),
            metric(resampled[1]).mean(-1) - metric(resampled[0]).mean(-1),
        )
        for name, metric in metrics.items()
    }


def student_quantile(probability: float, speakers: int) -> float:
    """Quantile of Student's distribution, whose degrees of freedom are the number of speakers minus one."""
    return float(stdtrit(speakers - 1, probability))


@dataclass(frozen=True, slots=True)
class McNemar:
    """Clips that only one of two models has right.

    Attributes:
        only_first: Number of clips that only the first model has right.
        only_second: Number of clips that only the second model has right.
        p: Two-sided, exact (binomial): the probability of such an uneven split, or a more uneven one, if both models
            were equally good.
    """

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """By how much the second model is better than the first in one metric.

    Attributes:
        first: Metric of the first model, between 0 and 1.
        second: Metric of the second model.
        difference: The second model's metric minus the first's.
        interval: 95 % interval of the difference.
        p: See `ResampledDifference.p`.
    """

    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Two models side by side.

    Attributes:
        clips: Number of clips that both predicted.
        speakers: Number of their speakers.
        metrics: The difference in each of `METRICS`.
        mcnemar: The clips that only one model has right.
    """

    clips: int
    speakers: int
    metrics: dict[str, MetricDifference]
    mcnemar: McNemar

    def to_json(self) -> dict:
        """The comparison as an object of plain numbers."""
        return asdict(self)


def compare_models(
    first: np.ndarray,
    second: np.ndarray,
    truth: np.ndarray,
    speakers: np.ndarray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ModelComparison:
    """Compare two models on the same clips.

    Args:
        first: float [clips, classes], probabilities of the first model.
        second: float [clips, classes], probabilities of the second model for the same clips in the same order.
        truth: int [clips], index of the right class.
        speakers: [clips], who speaks.
        resamples: Number of resamples of the bootstrap.
        seed: Seed of the bootstrap.

    Raises:
        ValueError: If there are no clips, or the lengths or classes differ.
    """
    if first.shape != second.shape or not len(truth) or not len(truth) == len(first) == len(speakers):
        raise ValueError(
            "both models must have answered the same clips, one or more, with the same classes. "
            f"Received: {first.shape}, {second.shape}, {len(truth)} right answers, {len(speakers)} speakers"
        )
    predicted = np.stack([first.argmax(1), second.argmax(1)])
    found = resampled_differences(
        predicted[:1],
        predicted[1:],
        truth,
        speakers,
        first.shape[1],
        METRICS,
        resamples=resamples,
        seed=seed,
    )
    return ModelComparison(
        clips=len(truth),
        speakers=found["wa"].speakers,
        metrics={
            name: MetricDifference(one.first, one.second, one.difference, percentile_interval(one.resamples), one.p)
            for name, one in found.items()
        },
        mcnemar=mcnemar(predicted[0] == truth, predicted[1] == truth),
    )


def mcnemar(first: np.ndarray, second: np.ndarray) -> McNemar:
    """McNemar's exact test.

    Args:
        first: bool [clips], whether the first model is right.
        second: bool [clips], whether the second model is right.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    uneven = only_first + only_second
    return McNemar(only_first, only_second, float(binomtest(only_first, uneven).pvalue) if uneven else 1.0)


def holm(values: Sequence[float]) -> list[float]:
    """Correct p values for their number (Holm 1979, Scandinavian Journal of Statistics 6).

    Args:
        values: p values, each between 0 and 1.

    Returns:
        The corrected values, in the same order. The probability of any false alarm among them is that of one test.
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected, least = [1.0] * len(values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = least
    return corrected
