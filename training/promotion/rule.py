"""The rule by which a challenger is promoted: a pure function of what both models answered.

It has three outcomes, since on few speakers the honest answer is that nobody can tell. `better`: the whole one-sided
interval of the difference lies above the margin, and no group is worse beyond the bound. `not better`: the whole
interval lies at or below the margin, or a group is worse beyond the bound and surely worse. `cannot tell`: everything
between.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from data_pipeline.errors import UserError
from training.evaluation.metrics import RESAMPLES
from training.promotion.paired_difference import Difference, PairedAnswers, paired_difference, student_quantile


class Outcome(StrEnum):
    """What the rule says of a challenger; only `BETTER` is promoted."""

    BETTER = "better"
    NOT_BETTER = "not better"
    CANNOT_TELL = "cannot tell"


class Standing(StrEnum):
    """What the rule says of a group.

    `WITHIN`: the challenger is at most the bound worse, as far as these speakers tell. `WORSE`: it is worse beyond the
    bound, and surely worse. `PERHAPS_WORSE`: worse beyond the bound, but that may be chance. `TOO_FEW`: too few
    speakers to be judged.
    """

    WITHIN = "within the bound"
    WORSE = "worse"
    PERHAPS_WORSE = "perhaps worse"
    TOO_FEW = "too few speakers"


@dataclass(frozen=True, slots=True)
class PromotionRule:
    """When a challenger is good enough.

    Attributes:
        margin: UA by which it must be better, surely; 0 or more. Less is not worth a change of models.
        bound: UA by which it may be worse for a group, more than 0.
        confidence: Of each end of an interval, above 0.5 and below 1.
        power: The chance with which the rule is to find a difference, for telling how large that has to be; above 0.5
            and below 1.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        UserError: If a number is out of range.
    """

    margin: float = 0.01
    bound: float = 0.05
    confidence: float = 0.95
    power: float = 0.8
    resamples: int = RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.margin < 1 or not 0 < self.bound < 1:
            raise UserError(
                f"margin and bound are shares of answers, from 0 and above 0, both below 1, not {self.margin:g} and "
                f"{self.bound:g}: write one point as 0.01"
            )
        if not 0.5 < self.confidence < 1 or not 0.5 < self.power < 1:
            raise UserError(
                f"confidence and power lie above 0.5 and below 1, not at {self.confidence:g} and {self.power:g}"
            )

    @property
    def fewest_speakers(self) -> int:
        """With fewer, even if all of them were heard better, that would be chance too often (sign test), so that
        nothing is said; 5 at a confidence of 95 %.
        """
        return max(2, math.ceil(round(-math.log2(1 - self.confidence), 9)))

    def detectable(self, difference: Difference) -> float | None:
        """The smallest true difference that these speakers would have shown to be above the margin, with the chance
        `power`: the margin and a multiple of the standard error (minimum detectable effect; Bloom 1995,
        doi:10.1177/0193841X9501900504).

        Returns:
            None where there are too few speakers for a standard error.
        """
        if difference.standard_error is None:
            return None
        quantiles = [student_quantile(chance, difference.speakers) for chance in (self.confidence, self.power)]
        return self.margin + sum(quantiles) * difference.standard_error


@dataclass(frozen=True, slots=True)
class Group:
    """Clips that have something in common.

    Attributes:
        trait: `channel`, `emotion`, or a trait of speakers.
        value: Of the trait.
        difference: Between the models.
        standing: What the rule says of it.
    """

    trait: str
    value: str
    difference: Difference
    standing: Standing

    @property
    def title(self) -> str:
        """As `sex female`."""
        return f"{self.trait} {self.value}"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to promote, and why.

    Attributes:
        outcome: Of the rule.
        reasons: A sentence each.
        detectable: See `PromotionRule.detectable`, of the overall difference.
        overall: On all clips and channels.
        groups: Channels, emotions and traits of speakers, those that have two values or more.
        rule: By which it was decided.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    detectable: float | None
    overall: Difference
    groups: tuple[Group, ...]
    rule: PromotionRule


def decide(answers: PairedAnswers, rule: PromotionRule) -> Decision:
    """Apply the rule.

    Args:
        answers: Of champion and challenger, to speakers whom neither was trained on.
        rule: Which.
    """
    overall = _difference(answers, rule)
    groups = tuple(
        Group(trait, value, difference, _standing(difference, rule))
        for trait, value, part in _parts(answers)
        for difference in (_difference(part, rule),)
    )
    outcome, sentence = _overall(overall, rule)
    detectable = rule.detectable(overall)
    reasons = [sentence]
    if outcome is Outcome.CANNOT_TELL and detectable is not None:
        reasons.append(
            f"With a chance of {rule.power:.0%} these {overall.speakers} speakers would have shown a true difference "
            f"of {points(detectable)} points or more, and not a smaller one: measure on more speakers."
        )
    standings = {group.standing for group in groups}
    if Standing.WORSE in standings:
        outcome = Outcome.NOT_BETTER
    elif Standing.PERHAPS_WORSE in standings and outcome is Outcome.BETTER:
        outcome = Outcome.CANNOT_TELL
    reasons += [_complaint(group, rule) for group in groups if group.standing in _COMPLAINTS]
    unjudged = [
        f"{group.title} ({group.difference.speakers})" for group in groups if group.standing is Standing.TOO_FEW
    ]
    if unjudged and overall.low is not None:
        reasons.append(f"Too few speakers to be judged: {', '.join(unjudged)}.")
    return Decision(outcome, tuple(reasons), detectable, overall, groups, rule)


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.1f}"


def _difference(answers: PairedAnswers, rule: PromotionRule) -> Difference:
    return paired_difference(answers, rule.confidence, rule.fewest_speakers, rule.resamples, rule.seed)


def _parts(answers: PairedAnswers) -> Iterator[tuple[str, str, PairedAnswers]]:
    """The groups, with their answers."""
    if len(answers.channels) > 1:
        for channel in answers.channels:
            yield "channel", channel, answers.through(channel)
    for index, label in enumerate(answers.labels):
        if (answers.truth == index).any():
            yield "emotion", label, answers.where(answers.truth == index)
    for trait, values in answers.traits.items():
        known = sorted({str(value) for value in values} - {""})
        if len(known) > 1:
            for value in known:
                yield trait, value, answers.where(values == value)


def _standing(difference: Difference, rule: PromotionRule) -> Standing:
    if difference.high is None:
        return Standing.TOO_FEW
    if difference.value >= -rule.bound:
        return Standing.WITHIN
    return Standing.WORSE if difference.high < 0 else Standing.PERHAPS_WORSE


def _overall(difference: Difference, rule: PromotionRule) -> tuple[Outcome, str]:
    told = (
        f"UA {difference.challenger:.1%} against {difference.champion:.1%} of the champion, "
        f"{points(difference.value)} points"
    )
    if difference.low is None or difference.high is None:
        return Outcome.CANNOT_TELL, (
            f"{told}, on {difference.speakers} speakers: at a confidence of {rule.confidence:.0%} at least "
            f"{rule.fewest_speakers} are needed."
        )
    interval = f"{told} ({points(difference.low)} to {points(difference.high)})"
    margin = f"the margin of {100 * rule.margin:.1f}"
    if difference.low > rule.margin:
        return Outcome.BETTER, f"{interval}: surely above {margin}."
    if difference.high <= rule.margin:
        return Outcome.NOT_BETTER, f"{interval}: surely not above {margin}."
    return Outcome.CANNOT_TELL, f"{interval}: it may be above or below {margin}."


_COMPLAINTS = {
    Standing.WORSE: "surely worse",
    Standing.PERHAPS_WORSE: "perhaps by chance",
}


def _complaint(group: Group, rule: PromotionRule) -> str:
    return (
        f"{group.title}: {points(group.difference.value)} points, beyond the bound of {100 * rule.bound:.1f}, "
        f"{_COMPLAINTS[group.standing]}."
    )
