import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.errors import UserError
from tests.training.promotion.answers import LABELS, paired, swapped
from training.promotion.paired_answers import PairedAnswers, ua_difference
from training.promotion.rule import PromotionOutcome, PromotionRule, Standing, decide

RULE = PromotionRule(resamples=400)


def test_a_better_model_is_promoted():
    decision = decide(paired(20, 0.6, 0.7), RULE)
    assert decision.outcome is PromotionOutcome.BETTER
    assert decision.overall.low > RULE.margin
    assert {group.standing for group in decision.groups} == {Standing.WITHIN}
    assert "surely above the margin" in decision.reasons[0]


def test_the_groups_are_channels_emotions_and_traits_of_speakers():
    titles = [group.title for group in decide(paired(20, 0.6, 0.7), RULE).groups]
    assert titles == [
        "channel clean", "channel telephone", "emotion anger", "emotion fear", "emotion neutral", "sex female",
        "sex male",
    ]  # fmt: skip


def test_the_same_model_is_not_better():
    decision = decide(paired(20, 0.6, 0.6), RULE)
    assert decision.outcome is PromotionOutcome.NOT_BETTER
    assert decision.overall.value == 0


def test_a_gain_below_the_margin_is_not_worth_a_change():
    answers = paired(200, 0.6, 0.605)
    assert decide(answers, replace(RULE, margin=0.05)).outcome is PromotionOutcome.NOT_BETTER
    assert decide(answers, replace(RULE, margin=0.0)).outcome is PromotionOutcome.BETTER


def test_a_group_that_becomes_worse_keeps_the_champion_and_is_named():
    female = paired(60, 0.6, 0.6).traits["sex"] == "female"
    worse = paired(60, 0.6, np.where(female, 0.5, 1.0))
    decision = decide(worse, RULE)
    assert decision.overall.low > RULE.margin, "better on the whole"
    assert decision.outcome is PromotionOutcome.NOT_BETTER
    assert [group.title for group in decision.groups if group.standing is Standing.WORSE] == ["sex female"]
    [complaint] = [reason for reason in decision.reasons if "sex female" in reason]
    assert "beyond the bound of 5.0, surely worse" in complaint


def test_a_channel_or_an_emotion_may_be_the_group_that_fails():
    answers = paired(20, 0.5, 0.9)
    deaf = answers.challenger.copy()
    deaf[1] = np.where(np.arange(deaf.shape[1]) % 3 == 0, answers.truth, (answers.truth + 1) % 3)
    by_phone = decide(replace(answers, challenger=deaf), RULE)
    assert "channel telephone" in {group.title for group in by_phone.groups if group.standing is Standing.WORSE}
    fearless = np.where(answers.truth == LABELS.index("fear"), 0, answers.challenger)
    decision = decide(replace(answers, challenger=fearless), RULE)
    assert [group.title for group in decision.groups if group.standing is Standing.WORSE] == ["emotion fear"]
    assert decision.outcome is PromotionOutcome.NOT_BETTER


def test_a_group_that_is_perhaps_worse_leaves_the_outcome_open():
    speakers, clips = 12, 3
    answers = paired(speakers, 0.4, 1.0, clips)
    few = np.repeat(np.arange(speakers), clips) < 5
    # Of these five, one lost all that it had right, and the others nothing.
    champion = np.where(few, np.repeat(np.arange(speakers), clips) == 0, np.arange(speakers * clips) % 3 == 0)
    challenger = ~few
    given_answers = replace(
        answers,
        traits={"age": np.where(few, "under 30", "30 to 44")},
        champion=np.where(np.stack([champion] * 2), answers.truth, (answers.truth + 1) % 3),
        challenger=np.where(np.stack([challenger] * 2), answers.truth, (answers.truth + 1) % 3),
    )
    decision = decide(given_answers, RULE)
    assert {group.title: group.standing for group in decision.groups}["age under 30"] is Standing.PERHAPS_WORSE
    assert decision.outcome is PromotionOutcome.CANNOT_TELL
    assert "perhaps by chance" in " ".join(decision.reasons)


def test_few_speakers_are_not_enough_even_if_all_are_better():
    decision = decide(paired(4, 0.3, 0.9), RULE)
    assert decision.outcome is PromotionOutcome.CANNOT_TELL
    assert decision.detectable is None
    assert "at least 5 are needed" in decision.reasons[0]


def test_an_open_outcome_states_the_detectable_difference():
    decision = decide(independent(0.6, 0.62, seed=1), RULE)
    assert decision.outcome is PromotionOutcome.CANNOT_TELL
    assert decision.detectable > RULE.margin + decision.overall.standard_error
    assert f"{100 * decision.detectable:+.1f} points or more" in " ".join(decision.reasons)


def test_a_small_group_is_named_and_not_judged():
    answers = paired(20, 0.6, 0.7)
    old = np.repeat(np.arange(20), 60) < 2
    decision = decide(replace(answers, traits={"age": np.where(old, "60 and over", "30 to 44")}), RULE)
    assert decision.outcome is PromotionOutcome.BETTER
    assert decision.reasons[-1] == "Too few speakers to be judged: age 60 and over (2)."


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.975, 0.999])
def test_with_the_fewest_speakers_unanimity_is_beyond_chance(confidence):
    fewest = PromotionRule(confidence=confidence).fewest_speakers
    assert 0.5**fewest <= 1 - confidence + 1e-12
    assert 0.5 ** (fewest - 1) > 1 - confidence


@pytest.mark.parametrize("wrong", [{"margin": -0.01}, {"margin": 5}, {"bound": 0}, {"confidence": 95}, {"power": 0.2}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(UserError):
        PromotionRule(**wrong)


def independent(champion: float, challenger: float | np.ndarray, seed: int) -> PairedAnswers:
    """15 speakers; the two models are right independently of each other."""
    ours, theirs = paired(15, champion, champion, 30, 2 * seed), paired(15, champion, challenger, 30, 2 * seed + 1)
    return replace(ours, challenger=theirs.challenger)


def test_the_detectable_difference_is_found_with_the_stated_power():
    """Over many draws of speakers: rarely without a gain, four times in five with the detectable one."""
    rule = PromotionRule(margin=0.0, bound=0.5, resamples=200)
    gain, draws = 0.07, 120
    found, detectable = {0.0: 0, gain: 0}, []
    for seed, liking in enumerate(np.random.default_rng(5).normal(0, 0.06, (draws, 15))):
        for gained in found:
            challenger = np.repeat(np.clip(0.6 + gained + liking, 0, 1), 30)
            decision = decide(independent(0.6, challenger, seed), rule)
            found[gained] += decision.outcome is PromotionOutcome.BETTER
            detectable.append(decision.detectable)
    assert np.mean(detectable) == pytest.approx(gain, abs=0.01)
    assert found[0.0] <= 0.1 * draws
    assert found[gain] == pytest.approx(0.8 * draws, abs=0.12 * draws)


@st.composite
def answers(draw) -> PairedAnswers:
    speakers, clips = draw(st.integers(1, 9)), draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = random.integers(0, 3, clips)
    chances = draw(st.tuples(st.floats(0, 1), st.floats(0, 1)))
    given_answers = [
        np.where(random.random((2, clips)) < chance, truth, random.integers(0, 3, (2, clips))) for chance in chances
    ]
    return PairedAnswers(
        LABELS,
        ("clean", "telephone"),
        random.integers(0, speakers, clips).astype(str),
        truth,
        *given_answers,
        traits={"sex": random.choice(["", "female", "male"], clips)},
    )


@settings(max_examples=60, deadline=None)
@given(answers(), st.sampled_from([0.0, 0.01, 0.1]))
def test_no_two_models_are_promoted_over_each_other(both, margin):
    rule = PromotionRule(margin=margin, resamples=100)
    forth, back = decide(both, rule), decide(swapped(both), rule)
    assert {forth.outcome, back.outcome} != {PromotionOutcome.BETTER}
    assert forth.overall.value == pytest.approx(-back.overall.value)
    if forth.outcome is PromotionOutcome.BETTER:
        assert back.outcome is PromotionOutcome.NOT_BETTER


@settings(max_examples=40, deadline=None)
@given(answers(), st.randoms(use_true_random=False))
def test_neither_order_nor_names_of_clips_matter(both, random):
    order = list(range(len(both.truth)))
    random.shuffle(order)
    before = ua_difference(both, 0.95, 3, 50, 0)
    after = ua_difference(both.where(np.array(order)), 0.95, 3, 50, 0)
    assert after.value == pytest.approx(before.value)
    assert (after.standard_error is None) == (before.standard_error is None)
    if before.standard_error is not None:
        assert after.standard_error == pytest.approx(before.standard_error)


@settings(max_examples=40, deadline=None)
@given(answers())
def test_figures_are_within_their_range(both):
    found = ua_difference(both, 0.95, 3, 50, 0)
    assert 0 <= found.champion <= 1
    assert 0 <= found.challenger <= 1
    assert found.value == pytest.approx(found.challenger - found.champion)
    assert found.clips == len(both.truth)
    if found.low is not None:
        assert found.low <= found.value <= found.high
        assert math.isfinite(found.standard_error)


def test_ua_is_the_mean_of_recalls_over_classes_and_channels():
    both = PairedAnswers(
        LABELS,
        ("clean", "telephone"),
        np.array(["a", "a", "b", "b"]),
        np.array([0, 0, 0, 1]),
        np.array([[0, 0, 1, 1], [0, 1, 1, 0]]),
        np.array([[0, 0, 0, 1], [0, 0, 0, 1]]),
        {},
    )
    found = ua_difference(both, 0.95, 5, 50, 0)
    clean, telephone = (2 / 3 + 1) / 2, (1 / 3 + 0) / 2
    assert found.champion == pytest.approx((clean + telephone) / 2)
    assert found.challenger == 1
    assert found.low is None


def test_answers_of_other_shapes_are_refused():
    both = paired(2, 0.5, 0.5)
    with pytest.raises(ValueError, match="channels, clips"):
        replace(both, champion=both.champion[:1])
