import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation.group_difference import group_difference
from training.evaluation.groups import age_band, attributes, by_attribute
from training.report.groups import findings, nothing_found

SPEAKERS = np.repeat(np.arange(12), 30)
TRUTH = np.tile([0, 1, 2], 120)
OF_SPEAKER = SPEAKERS % 2 == 0
OF_CLIP = np.tile(np.repeat([True, False], 15), 12)


def right(share, seed=0):
    return np.random.default_rng(seed).random(len(SPEAKERS)) < share


@pytest.mark.parametrize("inside", [OF_SPEAKER, OF_CLIP], ids=["speakers", "clips"])
def test_a_group_that_differs_is_found(inside):
    found = group_difference(right(np.where(inside, 0.9, 0.5)), TRUTH, SPEAKERS, inside)
    assert found.difference == pytest.approx(0.4, abs=0.1)
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.interval[0] > 0.2
    assert found.p < 0.01
    assert found.speakers == 12


@pytest.mark.parametrize("inside", [OF_SPEAKER, OF_CLIP], ids=["speakers", "clips"])
def test_false_alarms_are_as_rare_as_promised(inside):
    """Speakers differ from one another, but the group does not matter."""
    alarms = 0
    for seed in range(60):
        shares = np.random.default_rng(seed).uniform(0.3, 0.9, 12)[SPEAKERS]
        alarms += group_difference(right(shares, seed), TRUTH, SPEAKERS, inside).p < 0.1
    # Six are expected of sixty; more than 13 come by chance once in five hundred times.
    assert alarms <= 13


def test_easy_emotions_give_a_group_no_advantage():
    easy = TRUTH == 0
    inside = OF_CLIP & (easy | (np.arange(len(TRUTH)) % 5 == 0))
    found = group_difference(easy | right(0.2), TRUTH, SPEAKERS, inside)
    correct = easy | right(0.2)
    assert correct[inside].mean() - correct[~inside].mean() > 0.3
    assert found.p > 0.05


def test_few_speakers_limit_p():
    inside = SPEAKERS[:90] == 0
    assert group_difference(~inside, TRUTH[:90], SPEAKERS[:90], inside) is None
    four = SPEAKERS < 4
    found = group_difference(OF_SPEAKER[four], TRUTH[four], SPEAKERS[four], OF_SPEAKER[four])
    # Two of four speakers: six ways to deal them, of which two differ as much.
    assert found.difference == 1.0
    assert found.p == found.least_p == pytest.approx(2 / 6)
    found = group_difference(OF_CLIP[four], TRUTH[four], SPEAKERS[four], OF_CLIP[four])
    assert found.p == found.least_p == pytest.approx(2 / 2**4)


def test_nothing_is_compared_without_a_common_emotion():
    assert group_difference(right(0.5), TRUTH, SPEAKERS, TRUTH == 0) is None


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1_000), st.integers(2, 18), st.booleans())
def test_the_complement_of_a_group_has_the_opposite_difference(seed, speakers, between):
    random = np.random.default_rng(seed)
    who = random.integers(0, speakers, 80)
    truth = random.integers(0, 3, 80)
    inside = who % 2 == 0 if between else random.random(80) < 0.4
    one, other = (group_difference(random.random(80) < 0.5, truth, who, group, seed) for group in (inside, ~inside))
    for found in (one, other):
        assert found is None or (0 < found.least_p <= found.p <= 1 and found.interval[0] <= found.interval[1])
    same = random.random(80) < 0.5
    one, other = (group_difference(same, truth, who, group, seed) for group in (inside, ~inside))
    assert (one is None) == (other is None)
    if one is not None:
        assert one.difference == pytest.approx(-other.difference)


def columns(**given):
    count = len(SPEAKERS)
    known = dict.fromkeys(("corpus", "sex", "race", "ethnicity", "intensity", "sentence"), np.full(count, ""))
    return attributes({**known, "age": np.full(count, -1), **given})


def answers(correct):
    return np.eye(3)[np.where(correct, TRUTH, (TRUTH + 1) % 3)]


def test_every_group_has_its_metrics():
    sex = np.where(OF_SPEAKER, "female", "male")
    correct = right(np.where(OF_SPEAKER, 0.9, 0.4))
    found = by_attribute(answers(correct), TRUTH, SPEAKERS, columns(sex=sex, sentence=np.full(len(sex), "IEO")), "abc")
    assert list(found) == ["sex"]
    women, men = found["sex"]["female"], found["sex"]["male"]
    assert (women["clips"], women["speakers"]) == (180, 6)
    assert women["wa"] == pytest.approx(correct[OF_SPEAKER].mean())
    assert women["wa_interval"][0] <= women["wa"] <= women["wa_interval"][1]
    assert women["differs"]
    assert men["differs"]
    assert women["difference"] == pytest.approx(-men["difference"])
    # Two groups are one question.
    assert women["p_corrected"] == women["p"] == men["p"]
    json.dumps(found)


def test_few_speakers_cannot_tell_whether_a_group_differs():
    sex, four = np.where(OF_SPEAKER, "female", "male"), SPEAKERS < 4
    given = {name: values[four] for name, values in columns(sex=sex, sentence=np.where(OF_CLIP, "IEO", "TIE")).items()}
    found = by_attribute(answers(OF_SPEAKER)[four], TRUTH[four], SPEAKERS[four], given, "abc")
    for group in (*found["sex"].values(), *found["sentence"].values()):
        assert "p" not in group
    metrics = {"groups": found}
    assert findings(metrics) == []
    assert nothing_found(metrics) == "Too few speakers to tell whether any group differs from the others."


def test_p_is_corrected_for_the_number_of_groups():
    sentence = np.array([f"s{index % 10}" for index in range(len(SPEAKERS))])
    groups = by_attribute(answers(right(0.5)), TRUTH, SPEAKERS, columns(sentence=sentence), "abc")["sentence"]
    assert len(groups) == 10
    least = min(group["p"] for group in groups.values())
    assert min(group["p_corrected"] for group in groups.values()) == pytest.approx(min(1, 10 * least))


def test_unknown_and_rare_values_are_no_groups():
    sentence = np.where(OF_CLIP, "IEO", "TIE").astype("U8")
    sentence[:9] = "rare"
    sentence[50:90] = ""
    found = by_attribute(answers(right(0.5)), TRUTH, SPEAKERS, columns(sentence=sentence), "abc")["sentence"]
    assert set(found) == {"IEO", "TIE"}
    assert sum(group["clips"] for group in found.values()) == len(SPEAKERS) - 49
    alone = by_attribute(answers(right(0.5)), TRUTH, SPEAKERS, columns(sex=np.where(SPEAKERS == 3, "x", "y")), "abc")
    assert alone["sex"]["x"]["wa_interval"] is None
    assert "p" not in alone["sex"]["x"]


def test_ages_are_put_into_bands():
    assert [age_band(age) for age in (-1, 0, 29, 30, 44, 45, 59, 60, 99)] == [
        "", "under 30", "under 30", "30 to 44", "30 to 44", "45 to 59", "45 to 59", "60 and older", "60 and older",
    ]  # fmt: skip
    assert [age_band(age, "60 and over") for age in (-1, 0, 29, 30, 44, 45, 59, 60, 90)] == [
        "", "under 30", "under 30", "30 to 44", "30 to 44", "45 to 59", "45 to 59", "60 and over", "60 and over",
    ]  # fmt: skip
