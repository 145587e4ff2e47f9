"""The rule by which a challenger is promoted: a pure function of the predictions of both models.

There are three outcomes, since few speakers may not be enough to decide. `better`: the whole one-sided interval of the
difference lies above the margin, and no group is worse by more than the bound. `not better`: the whole interval lies at
or below the margin, or a group is worse by more than the bound and that is not chance. `cannot tell`: everything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from data_pipeline.errors import UserError
from training.evaluation.bootstrap import RESAMPLES
from training.evaluation.paired import student_quantile
from training.evaluation.speaker_permutations import fewest_speakers
from training.promotion.paired_answers import PairedAnswers, UaDifference, ua_difference


class PromotionOutcome(StrEnum):
    """What the rule says of a challenger. Only `BETTER` is promoted."""

    BETTER = "better"
    NOT_BETTER = "not better"
    CANNOT_TELL = "cannot tell"


class Standing(StrEnum):
    """What the rule says of a group.

    `WITHIN`: on these speakers the challenger is worse by at most the bound. `WORSE`: it is worse by more than the
    bound, and that is not chance. `PERHAPS_WORSE`: it is worse by more than the bound, but that may be chance.
    `TOO_FEW`: the group has too few speakers to be judged.
    """

    WITHIN = "within the bound"
    WORSE = "worse"
    PERHAPS_WORSE = "perhaps worse"
    TOO_FEW = "too few speakers"


@dataclass(frozen=True, slots=True)
class PromotionRule:
    """When a challenger is good enough.

    Attributes:
        margin: UA by which it must be better, beyond chance; 0 or more. A smaller gain is not worth a change of models.
        bound: UA by which it may be worse for a group, above 0.
        confidence: Confidence of each end of an interval, above 0.5 and below 1.
        power: Probability with which the rule should find a difference, from which the smallest detectable difference
            follows; above 0.5 and below 1.
        resamples: Number of resamples of the bootstrap.
        seed: Seed of the bootstrap.

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
        """The smallest number of speakers that a decision needs; see `speaker_permutations.fewest_speakers`."""
        return fewest_speakers(self.confidence)

    def detectable(self, difference: UaDifference) -> float | None:
        """The smallest true difference that the rule finds on these speakers with the probability `power`.

        The margin plus a multiple of the standard error (minimum detectable effect; Bloom 1995,
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
        value: Value of the trait that these clips have.
        difference: Difference between the models on these clips.
        standing: What the rule says of the group.
    """

    trait: str
    value: str
    difference: UaDifference
    standing: Standing

    @property
    def title(self) -> str:
        """Trait and value, such as `sex female`."""
        return f"{self.trait} {self.value}"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to promote, and why.

    Attributes:
        outcome: What the rule says.
        reasons: The reasons, a sentence each.
        detectable: Smallest detectable overall difference; see `PromotionRule.detectable`.
        overall: Difference on all clips and channels.
        groups: Channels, emotions, and traits of speakers that have two values or more.
        rule: The rule that decided.
    """

    outcome: PromotionOutcome
    reasons: tuple[str, ...]
    detectable: float | None
    overall: UaDifference
    groups: tuple[Group, ...]
    rule: PromotionRule


def decide(answers: PairedAnswers, rule: PromotionRule) -> Decision:
    """Apply the rule.

    Args:
        answers: Predictions of champion and challenger, for speakers that neither was trained on.
        rule: The rule.
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
    if outcome is PromotionOutcome.CANNOT_TELL and detectable is not None:
        reasons.append(
            f"With a chance of {rule.power:.0%} these {overall.speakers} speakers would have shown a true difference "
            f"of {points(detectable)} points or more, and not a smaller one: measure on more speakers."
        )
    standings = {group.standing for group in groups}
    if Standing.WORSE in standings:
        outcome = PromotionOutcome.NOT_BETTER
    elif Standing.PERHAPS_WORSE in standings and outcome is PromotionOutcome.BETTER:
        outcome = PromotionOutcome.CANNOT_TELL
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


def _difference(answers: PairedAnswers, rule: PromotionRule) -> UaDifference:
    return ua_difference(answers, rule.confidence, rule.fewest_speakers, rule.resamples, rule.seed)


def _parts(answers: PairedAnswers) -> Iterator[tuple[str, str, PairedAnswers]]:
    """Trait, value and predictions of each group."""
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


def _standing(difference: UaDifference, rule: PromotionRule) -> Standing:
    if difference.high is None:
        return Standing.TOO_FEW
    if difference.value >= -rule.bound:
        return Standing.WITHIN
    return Standing.WORSE if difference.high < 0 else Standing.PERHAPS_WORSE


def _overall(difference: UaDifference, rule: PromotionRule) -> tuple[PromotionOutcome, str]:
    difference_text = (
        f"UA {difference.challenger:.1%} against {difference.champion:.1%} of the champion, "
        f"{points(difference.value)} points"
    )
    if difference.low is None or difference.high is None:
        return PromotionOutcome.CANNOT_TELL, (
            f"{difference_text}, on {difference.speakers} speakers: at a confidence of {rule.confidence:.0%} at least "
            f"{rule.fewest_speakers} are needed."
        )
    interval = f"{difference_text} ({points(difference.low)} to {points(difference.high)})"
    margin = f"the margin of {100 * rule.margin:.1f}"
    if difference.low > rule.margin:
        return PromotionOutcome.BETTER, f"{interval}: surely above {margin}."
    if difference.high <= rule.margin:
        return PromotionOutcome.NOT_BETTER, f"{interval}: surely not above {margin}."
    return PromotionOutcome.CANNOT_TELL, f"{interval}: it may be above or below {margin}."


_COMPLAINTS = {
    Standing.WORSE: "surely worse",
    Standing.PERHAPS_WORSE: "perhaps by chance",
}


def _complaint(group: Group, rule: PromotionRule) -> str:
    return (
        f"{group.title}: {points(group.difference.value)} points, beyond the bound of {100 * rule.bound:.1f}, "
        f"{_COMPLAINTS[group.standing]}."
    )
