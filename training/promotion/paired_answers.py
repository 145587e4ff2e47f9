"""What champion and challenger predicted for the same clips, and by how much the challenger's UA is higher."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from training.evaluation.metrics import mean_recall
from training.evaluation.paired import resampled_differences, student_quantile


@dataclass(frozen=True, slots=True, eq=False)
class PairedAnswers:
    """The predictions of champion and challenger for the same clips.

    Attributes:
        labels: Names of the classes.
        channels: Channels through which the models received the clips.
        speakers: [clips], who speaks.
        truth: int [clips], index of the right class.
        champion: int [channels, clips], indices of the classes that the champion predicts.
        challenger: int [channels, clips], those of the challenger.
        traits: By name, such as `sex`, a trait of each clip's speaker: str [clips], empty where it is unknown.
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
        """The clips for which a bool [clips] is true; at least one."""
        return replace(
            self,
            speakers=self.speakers[mask],
            truth=self.truth[mask],
            champion=self.champion[:, mask],
            challenger=self.challenger[:, mask],
            traits={name: values[mask] for name, values in self.traits.items()},
        )

    def through(self, channel: str) -> "PairedAnswers":
        """The predictions for the clips as received through one of the channels."""
        row = [self.channels.index(channel)]
        return replace(self, channels=(channel,), champion=self.champion[row], challenger=self.challenger[row])


@dataclass(frozen=True, slots=True)
class UaDifference:
    """The challenger's UA (mean recall over the classes, mean over the channels) minus the champion's.

    Attributes:
        champion: UA of the champion, between 0 and 1.
        challenger: UA of the challenger.
        value: The challenger's UA minus the champion's.
        speakers: Number of speakers.
        clips: Number of clips that each model predicted through each channel.
        standard_error: Standard error of the value; None where there are too few speakers to know.
        low: Lower end of the interval. One-sided: the true difference is lower only with a probability of one minus
            the confidence. None where there are too few speakers.
        high: Upper end, one-sided in the same way.
    """

    champion: float
    challenger: float
    value: float
    speakers: int
    clips: int
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None


def ua_difference(
    answers: PairedAnswers, confidence: float, fewest_speakers: int, resamples: int, seed: int
) -> UaDifference:
    """Compare champion and challenger; see `training.evaluation.paired` for the method.

    Args:
        answers: The predictions of both.
        confidence: Confidence of each end of the interval, such as 0.95.
        fewest_speakers: With fewer speakers no interval is given; 2 or more.
        resamples: Number of resamples of the bootstrap.
        seed: Seed of the bootstrap.
    """
    one = resampled_differences(
        answers.champion,
        answers.challenger,
        answers.truth,
        answers.speakers,
        len(answers.labels),
        {"ua": mean_recall},
        resamples=resamples,
        seed=seed,
    )["ua"]
    found = UaDifference(one.first, one.second, one.difference, one.speakers, len(answers.truth))
    if one.speakers < fewest_speakers:
        return found
    error = one.standard_error
    reach = student_quantile(confidence, one.speakers) * error
    return replace(found, standard_error=error, low=found.value - reach, high=found.value + reach)
