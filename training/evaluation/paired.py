"""Differences between two models that predicted the same clips, and their uncertainty.

Clips of one speaker are not independent, and clips that are easy for one model are mostly easy for the other. So
speakers are drawn with replacement, the same ones for both models (paired cluster bootstrap; Efron and Tibshirani 1993,
chapters 8 and 13; Bisani and Ney 2004, ICASSP, for speech recognisers). The resampled differences give a percentile
interval for reports. For decisions they give a standard error, from which Student's interval follows, since percentile
intervals are too narrow on few speakers (Hesterberg 2015, doi:10.1080/00031305.2015.1089789). The p value is that of
exchanging the two models' answers speaker by speaker; see `training.evaluation.speaker_permutations`.

McNemar's test (Psychometrika 12, 1947; recommended for classifiers by Dietterich 1998, Neural Computation 10) counts
the clips that only one of the two models has right. It treats clips as independent, so its p is too small where
speakers differ, and is not given where there are too few of them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binomtest

from training.evaluation.bootstrap import RESAMPLES, draw_speakers, interval_of
from training.evaluation.metrics import accuracy, macro_f1, mean_recall
from training.evaluation.speaker_permutations import FEWEST_SPEAKERS, sign_flips, two_sided_p

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
    by_speaker = _confusions(first, second, truth, speakers, classes)
    count = by_speaker.shape[1]
    draws = draw_speakers(count, resamples, seed)
    resampled = [np.tensordot(draws, confusions, 1) for confusions in by_speaker]
    return {
        name: ResampledDifference(
            float(metric(by_speaker[0].sum(0)).mean()),
            float(metric(by_speaker[1].sum(0)).mean()),
            count,
            metric(resampled[1]).mean(-1) - metric(resampled[0]).mean(-1),
        )
        for name, metric in metrics.items()
    }


def _confusions(
    first: np.ndarray, second: np.ndarray, truth: np.ndarray, speakers: np.ndarray, classes: int
) -> np.ndarray:
    """Confusion matrices of both models, float [2, speakers, channels, truth, prediction]."""
    names, member = np.unique(speakers, return_inverse=True)
    confusions = np.zeros((2, len(names), len(first), classes, classes))
    for model, predicted in enumerate((first, second)):
        channel, clip = np.indices(predicted.shape)
        np.add.at(confusions[model], (member[clip], channel, truth[clip], predicted), 1)
    return confusions


def exchange_p(
    first: np.ndarray,
    second: np.ndarray,
    truth: np.ndarray,
    speakers: np.ndarray,
    classes: int,
    metrics: Mapping[str, Metric],
    *,
    seed: int = 0,
) -> dict[str, float | None]:
    """Two-sided p of each metric: how often the models differ as much if their answers are exchanged at random.

    The answers of a speaker are exchanged together.

    Args:
        first: See `resampled_differences`, as for the others.
        second: The classes that the second model predicts.
        truth: int [clips], index of the right class.
        speakers: [clips], who speaks.
        classes: Number of classes.
        metrics: Metrics to compare, by name.
        seed: Seed of the exchanges, where there are too many to go through all.

    Returns:
        By name; None where there are too few speakers to tell.
    """
    by_speaker = _confusions(first, second, truth, speakers, classes)
    count = by_speaker.shape[1]
    if count < FEWEST_SPEAKERS:
        return dict.fromkeys(metrics)
    signs, exhaustive = sign_flips(count, np.random.default_rng(seed))
    exchanged = np.tensordot((signs < 0).astype(float), by_speaker[1] - by_speaker[0], 1)
    permuted = by_speaker[0].sum(0) + exchanged, by_speaker[1].sum(0) - exchanged
    return {
        name: two_sided_p(
            metric(permuted[1]).mean(-1) - metric(permuted[0]).mean(-1),
            float(metric(by_speaker[1].sum(0)).mean() - metric(by_speaker[0].sum(0)).mean()),
            exhaustive,
        )[0]
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
            were equally good. None where there are too few speakers to tell.
    """

    only_first: int
    only_second: int
    p: float | None


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """By how much the second model is better than the first in one metric.

    Attributes:
        first: Metric of the first model, between 0 and 1.
        second: Metric of the second model.
        difference: The second model's metric minus the first's.
        interval: 95 % interval of the difference; None for a single speaker.
        p: See `exchange_p`.
    """

    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None
    p: float | None


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
    clips = predicted[:1], predicted[1:], truth, speakers, first.shape[1], METRICS
    found = resampled_differences(*clips, resamples=resamples, seed=seed)
    p = exchange_p(*clips, seed=seed)
    alone = mcnemar(predicted[0] == truth, predicted[1] == truth)
    count = found["wa"].speakers
    return ModelComparison(
        clips=len(truth),
        speakers=count,
        metrics={
            name: MetricDifference(one.first, one.second, one.difference, interval_of(one.resamples, count), p[name])
            for name, one in found.items()
        },
        mcnemar=alone if count >= FEWEST_SPEAKERS else replace(alone, p=None),
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
