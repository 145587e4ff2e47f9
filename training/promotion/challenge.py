"""A challenge: a model trained as the champion was, on more data, and both measured on speakers that neither knows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_pipeline import input_pipeline
from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError
from data_pipeline.prepare.combine import combine
from data_pipeline.targets import LabelKind, Target
from training.evaluation import metrics
from training.evaluation.calibration import calibrate
from training.evaluation.channel import CHANNELS
from training.evaluation.evaluate import Condition, Predictions, predict
from training.families.registry import family_of, recipe_of
from training.fitting.observer import Observer
from training.fitting.train import train_unless_done
from training.promotion.paired_difference import PairedAnswers
from training.promotion.rule import Decision, PromotionRule, decide
from training.promotion.sides import sides_of_speakers
from training.run.folder import Run

_AGE_BANDS = {"under 30": 0, "30 to 44": 30, "45 to 59": 45, "60 and over": 60}
"""Years from which on a speaker belongs to each."""

_TRAITS = ("sex", "race", "ethnicity", "corpus")
"""Of speakers, as records name them."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Who challenges whom, on what.

    Attributes:
        champion: The run that is to be beaten.
        old: What there was before.
        new: What has come since.
        frozen: Speakers that earlier decisions were measured on; see `sides.sides_of_speakers`.
        channels: Through which both models hear; see `channel.channel_named`.
        rule: By which it is decided.

    Raises:
        UserError: If there is no such channel, or none, or the champion is an ensemble, which has no recipe.
    """

    champion: Run
    old: tuple[Dataset, ...]
    new: tuple[Dataset, ...]
    frozen: frozenset[str] = frozenset()
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
        """Whose word is right: `acted`, or `voted` where the champion learned from listeners."""
        return "acted" if self.champion.config["label_kind"] == "acted" else "voted"


@dataclass(frozen=True, slots=True)
class Held:
    """A challenge that was held.

    Attributes:
        challenger: The new run.
        dataset: All data; both models were measured on its `test` side.
        decision: Whether to promote the challenger.
        measured: By channel and then by model (`champion`, `challenger`), what `metrics.evaluate` gives.
    """

    challenger: Run
    dataset: Dataset
    decision: Decision
    measured: dict[str, dict[str, dict]]


def gather(challenge: Challenge, folder: Path) -> Dataset:
    """Old and new data as one dataset, with everybody on the right side.

    Args:
        challenge: With the data.
        folder: Made if it is missing; may hold the same from before.

    Raises:
        UserError: See `sides.sides_of_speakers` and `combine.combine`.
    """
    parts = (*challenge.old, *challenge.new)
    return combine(parts, folder, sides_of_speakers(challenge.champion, parts, challenge.frozen))


def train_challenger(challenge: Challenge, dataset: Dataset, folder: Path, observer: Observer | None = None) -> Run:
    """Train by the champion's recipe, and calibrate where the champion is.

    Args:
        challenge: With the champion.
        dataset: See `gather`.
        folder: The run folder; an interrupted training goes on there, and a finished one is taken as it is.
        observer: Told of the progress.

    Raises:
        UserError: If the recipe cannot be repeated, or the folder holds another run.
    """
    config = challenge.champion.config
    run = train_unless_done(family_of(config), recipe_of(config), dataset, folder, observer)
    fitted = challenge.champion.calibration
    if fitted is not None and run.calibration is None:
        conditions = [Condition("validation", channel) for channel in CHANNELS]
        alike = [condition for condition in conditions if condition.title == fitted["condition"]]
        calibrate(run, dataset, (alike or conditions)[0])
    return run


def hold(
    challenge: Challenge, challenger: Run, dataset: Dataset, on_batch: Callable[[int], None] | None = None
) -> Held:
    """Measure both models and decide.

    Args:
        challenge: With the champion and the rule.
        challenger: See `train_challenger`.
        dataset: See `gather`.
        on_batch: Called with the number of clips answered since the last call.

    Raises:
        UserError: If there are no clips to measure on with one of the labels, or listeners agree on one for none.
    """
    runs = {"champion": challenge.champion, "challenger": challenger}
    found: dict[str, list[Predictions]] = {name: [] for name in runs}
    measured: dict[str, dict[str, dict]] = {}
    for channel in challenge.channels:
        condition, measured[channel] = Condition("test", channel, labels=challenge.labels), {}
        for name, run in runs.items():
            answers = predict(run, dataset, condition, on_batch)
            clear = answers.truth >= 0
            if not clear.any():
                raise UserError(f"listeners agree on one of the labels for no test clip of {dataset.folder}")
            measured[channel][name] = metrics.evaluate(
                answers.probabilities[clear], answers.truth[clear], answers.speakers[clear], run.labels
            )
            found[name].append(answers)
    return Held(challenger, dataset, decide(_paired(challenge, dataset, found), challenge.rule), measured)


def clips_to_answer(challenge: Challenge, dataset: Dataset) -> int:
    """How many `hold` goes through."""
    return 2 * len(challenge.channels) * Target(challenge.champion.labels).clips(dataset.split("test"))


def age_bands(ages: np.ndarray) -> np.ndarray:
    """Ages in words: str [clips] of int [clips], where -1 is unknown and becomes an empty text."""
    names, starts = np.array(["", *_AGE_BANDS]), np.array([*_AGE_BANDS.values()])
    return names[np.searchsorted(starts, ages, side="right")]


def _paired(challenge: Challenge, dataset: Dataset, found: dict[str, list[Predictions]]) -> PairedAnswers:
    known = input_pipeline.descriptions(dataset, "test", Target(challenge.champion.labels))
    before = {speaker for part in challenge.old for side in part.splits.values() for speaker in side.speakers}
    first = found["champion"][0]
    clear = first.truth >= 0
    answers = {
        name: np.stack([one.probabilities.argmax(1)[clear] for one in channels]) for name, channels in found.items()
    }
    return PairedAnswers(
        labels=challenge.champion.labels,
        channels=challenge.channels,
        speakers=first.speakers[clear],
        truth=first.truth[clear],
        champion=answers["champion"],
        challenger=answers["challenger"],
        traits={
            **{trait: known[trait][clear] for trait in _TRAITS},
            "age": age_bands(known["age"])[clear],
            "dataset": np.array(["old" if speaker in before else "new" for speaker in known["speaker"]])[clear],
        },
    )
