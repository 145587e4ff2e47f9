"""Train a challenger like the champion, on more data, and measure both on speakers that neither knows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.targets import LabelKind, Target
from training.evaluation import metrics
from training.evaluation.calibration import calibrate
from training.evaluation.condition import CHANNELS, Condition, reference_labels
from training.evaluation.evaluate import no_right_answer, predict, with_right_answer
from training.evaluation.groups import age_band
from training.families.registry import family_of, recipe_of
from training.fitting.observer import Observer
from training.fitting.train import train_unless_done
from training.promotion.paired_answers import PairedAnswers
from training.promotion.rule import Decision, PromotionRule, decide
from training.run.answers import Predictions
from training.run.folder import Run

_OLDEST = "60 and over"
"""Name of the highest age band in `decision.json`."""

_TRAITS = ("sex", "race", "ethnicity", "corpus")
"""Traits of speakers, as records name them."""


@dataclass(frozen=True, slots=True)
class PromotionTest:
    """The champion, the data, and the rule by which a challenger is promoted.

    Attributes:
        champion: The run that is to be beaten.
        old: The data that there were before.
        new: The data that have come since.
        measured_speakers: Speakers that earlier decisions were measured on; see `combined_data.splits_of_speakers`.
        channels: Channels through which both models are measured; see `condition.channel_named`.
        rule: The rule that decides.

    Raises:
        UserError: If there is no such channel, or none, or the champion is an ensemble, which has no recipe.
    """

    champion: Run
    old: tuple[Dataset, ...]
    new: tuple[Dataset, ...]
    measured_speakers: frozenset[str] = frozenset()
    channels: tuple[str, ...] = ("clean", "telephone")
    rule: PromotionRule = field(default_factory=PromotionRule)

    def __post_init__(self) -> None:
        if not self.channels or len(set(self.channels)) < len(self.channels):
            raise UserError(f"name each channel once, one or more of {', '.join(CHANNELS)}")
        for channel in self.channels:
            Condition("test", channel)
        recipe_of(self.champion.config)

    @property
    def labels(self) -> LabelKind:
        """The labels that count as right: `acted`, or `voted` if the champion learned from listeners' votes."""
        return reference_labels(self.champion)


@dataclass(frozen=True, slots=True)
class PromotionResult:
    """What came of a promotion test.

    Attributes:
        challenger: The new run.
        dataset: All data; both models were measured on its `test` split.
        decision: Whether to promote the challenger.
        measured: The metrics (see `metrics.compute_metrics`) by channel and then by model (`champion`, `challenger`).
    """

    challenger: Run
    dataset: Dataset
    decision: Decision
    measured: dict[str, dict[str, dict]]


def train_challenger(test: PromotionTest, dataset: Dataset, folder: Path, observer: Observer | None = None) -> Run:
    """Train by the champion's recipe, and calibrate if the champion is calibrated.

    Args:
        test: With the champion.
        dataset: From `combined_data.combine_data`.
        folder: The run folder. An interrupted training continues there, a finished one is used as it is.
        observer: Receives progress events.

    Raises:
        UserError: If the recipe cannot be repeated, or the folder holds another run.
    """
    config = test.champion.config
    run = train_unless_done(family_of(config), recipe_of(config), dataset, folder, observer)
    calibration = test.champion.calibration
    if calibration is not None and run.calibration is None:
        conditions = [Condition("validation", channel) for channel in CHANNELS]
        same = [condition for condition in conditions if condition.title == calibration["condition"]]
        calibrate(run, dataset, (same or conditions)[0])
    return run


def measure_models(
    test: PromotionTest, challenger: Run, dataset: Dataset, on_batch: Callable[[int], None] | None = None
) -> PromotionResult:
    """Measure both models and decide.

    Args:
        test: With the champion and the rule.
        challenger: From `train_challenger`.
        dataset: From `combined_data.combine_data`.
        on_batch: Called with the number of clips that were predicted since the last call.

    Raises:
        UserError: If no clip to measure on has one of the labels, or listeners agree on one for none.
    """
    runs = {"champion": test.champion, "challenger": challenger}
    answers: dict[str, list[Predictions]] = {name: [] for name in runs}
    measured: dict[str, dict[str, dict]] = {}
    for channel in test.channels:
        condition, measured[channel] = Condition("test", channel, labels=test.labels), {}
        for name, run in runs.items():
            one = with_right_answer(predict(run, dataset, condition, on_batch), no_right_answer(dataset, condition))
            measured[channel][name] = metrics.compute_metrics(one.probabilities, one.truth, one.speakers, run.labels)
            answers[name].append(one)
    return PromotionResult(challenger, dataset, decide(_paired(test, answers), test.rule), measured)


def num_predictions(test: PromotionTest, dataset: Dataset) -> int:
    """Number of clips that `measure_models` predicts, all models and channels together."""
    return 2 * len(test.channels) * Target(test.champion.labels).clips(dataset.split("test"))


def _paired(test: PromotionTest, answers: dict[str, list[Predictions]]) -> PairedAnswers:
    before = {speaker for part in test.old for split in part.splits.values() for speaker in split.speakers}
    first = answers["champion"][0]
    predicted = {name: np.stack([one.probabilities.argmax(1) for one in every]) for name, every in answers.items()}
    return PairedAnswers(
        labels=test.champion.labels,
        channels=test.channels,
        speakers=first.speakers,
        truth=first.truth,
        **predicted,
        traits={
            **{trait: first.known[trait] for trait in _TRAITS},
            "age": np.array([age_band(int(age), _OLDEST) for age in first.known["age"]]),
            "dataset": np.array(["old" if speaker in before else "new" for speaker in first.known["speaker"]]),
        },
    )
