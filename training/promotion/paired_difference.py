"""How much better one model answers than another on the same clips, and how sure that is.

Both models hear the same speakers, so that what makes a speaker easy or hard for both falls out of the difference.
Speakers are drawn with replacement, each with all clips and with both models' answers to them (paired cluster
bootstrap; Efron and Tibshirani 1993, chapters 8 and 13), which gives the difference's standard error. The interval is
Student's, on speakers minus one degrees of freedom, since percentile intervals are too narrow on few (Hesterberg 2015,
doi:10.1080/00031305.2015.1089789).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit


@dataclass(frozen=True, slots=True, eq=False)
class PairedAnswers:
    """What champion and challenger answered to the same clips.

    Attributes:
        labels: Names of the classes.
        channels: Through which the clips were heard.
        speakers: Who speaks, [clips].
        truth: int [clips], index of the right class.
        champion: int [channels, clips], indices of what it answered.
        challenger: The same of the other model.
        traits: By name, such as `sex`, what is known of each clip's speaker: str [clips], empty where unknown.
    """

    labels: tuple[str, ...]
    channels: tuple[str, ...]
    speakers: np.ndarray
    truth: np.ndarray
    champion: np.ndarray
    challenger: np.ndarray
    traits: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        shape = (len(self.channels), len(self.truth))
        if not all(shape) or not self.champion.shape == self.challenger.shape == shape:
            raise ValueError(
                "answers must be of shape [channels, clips], with one or more of each. "
                f"Received: {self.champion.shape} and {self.challenger.shape} for {shape}"
            )

    def where(self, mask: np.ndarray) -> "PairedAnswers":
        """The clips for which a bool [clips] holds; at least one."""
        return replace(
            self,
            speakers=self.speakers[mask],
            truth=self.truth[mask],
            champion=self.champion[:, mask],
            challenger=self.challenger[:, mask],
            traits={name: values[mask] for name, values in self.traits.items()},
        )

    def through(self, channel: str) -> "PairedAnswers":
        """The answers to what was heard through one of the channels."""
        row = [self.channels.index(channel)]
        return replace(self, channels=(channel,), champion=self.champion[row], challenger=self.challenger[row])


@dataclass(frozen=True, slots=True)
class Difference:
    """The challenger's UA (mean recall over the classes, mean over the channels) less the champion's.

    Attributes:
        champion: UA, between 0 and 1.
        challenger: The same of the other model.
        value: Challenger minus champion.
        speakers: How many there are.
        clips: How many each model answered through each channel.
        standard_error: Of the value; None where there are too few speakers to know.
        low: End of a one-sided interval below which the true difference hardly lies; None as above.
        high: End of the one above.
    """

    champion: float
    challenger: float
    value: float
    speakers: int
    clips: int
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None


def paired_difference(
    answers: PairedAnswers, confidence: float, fewest_speakers: int, resamples: int, seed: int
) -> Difference:
    """Compare two models on the clips that both answered.

    Args:
        answers: Of both.
        confidence: Of each end of the interval, as 0.95.
        fewest_speakers: With fewer, no interval is given; 2 or more.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    names, member = np.unique(answers.speakers, return_inverse=True)
    clips = np.zeros((len(names), len(answers.labels)))
    np.add.at(clips, (member, answers.truth), 1)
    right = [_right(answers, given, member, len(names)) for given in (answers.champion, answers.challenger)]
    everyone = np.ones((1, len(names)))
    champion, challenger = (float(_ua(everyone, clips, counts)[0]) for counts in right)
    found = Difference(champion, challenger, challenger - champion, len(names), len(answers.truth))
    if len(names) < fewest_speakers:
        return found
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    resampled = _ua(draws, clips, right[1]) - _ua(draws, clips, right[0])
    # The bootstrap's variance divides by the number of speakers, an unbiased one by one less.
    error = float(resampled.std(ddof=1)) * math.sqrt(len(names) / (len(names) - 1))
    reach = student_quantile(confidence, len(names)) * error
    return replace(found, standard_error=error, low=found.value - reach, high=found.value + reach)


def student_quantile(probability: float, speakers: int) -> float:
    """Of Student's distribution on one degree of freedom less than there are speakers."""
    return float(stdtrit(speakers - 1, probability))


def _right(answers: PairedAnswers, given: np.ndarray, member: np.ndarray, speakers: int) -> np.ndarray:
    """Right answers of each speaker, through each channel, of each class: [speakers, channels, classes]."""
    counts = np.zeros((speakers, len(answers.channels), len(answers.labels)))
    channel, clip = np.nonzero(given == answers.truth)
    np.add.at(counts, (member[clip], channel, answers.truth[clip]), 1)
    return counts


def _ua(draws: np.ndarray, clips: np.ndarray, right: np.ndarray) -> np.ndarray:
    """UA of resamples of speakers, over the classes that occur in each.

    Args:
        draws: How often each speaker is in each, [resamples, speakers].
        clips: [speakers, classes].
        right: [speakers, channels, classes].

    Returns:
        [resamples].
    """
    total = (draws @ clips)[:, np.newaxis]
    hits = np.tensordot(draws, right, 1)
    recall = np.divide(hits, total, out=np.zeros_like(hits, dtype=float), where=total > 0)
    return (recall.sum(-1) / (total > 0).sum(-1)).mean(-1)
