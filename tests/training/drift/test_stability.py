import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.drift.stability import LARGE, Change, stability_of_counts, stability_of_numbers


def test_the_index_is_the_sum_over_bins():
    before, now = np.array([50_000, 50_000]), np.array([80_000, 20_000])
    expected = 0.3 * np.log(0.8 / 0.5) - 0.3 * np.log(0.2 / 0.5)
    assert stability_of_counts(before, now, 1).index == pytest.approx(expected, rel=1e-3)


def test_shifts_are_changes_by_their_size():
    random = np.random.default_rng(0)
    before = random.normal(-25, 3, 2_000)
    assert stability_of_numbers(before, random.normal(-25, 3, 500), 7).change is Change.ALIKE
    assert stability_of_numbers(before, random.normal(-23.8, 3, 800), 7).change is Change.SOMEWHAT
    assert stability_of_numbers(before, random.normal(-20, 3, 500), 7).change is Change.CHANGED
    assert stability_of_numbers(before, random.normal(-25, 9, 500), 7).change is Change.CHANGED, "the spread counts too"


def test_too_few_recordings_give_the_number_that_is_enough():
    random = np.random.default_rng(1)
    before = random.normal(0, 1, 2_000)
    few = stability_of_numbers(before, random.normal(0.3, 1, 20), 7)
    assert few.change is Change.CANNOT_TELL
    assert few.by_chance > LARGE
    more = stability_of_numbers(before, random.normal(0, 1, few.enough), 7)
    assert more.by_chance <= LARGE
    assert stability_of_numbers(before, random.normal(0, 1, few.enough - 1), 7).by_chance > LARGE
    assert stability_of_numbers(before, random.normal(5, 1, 20), 7).change is Change.CHANGED, (
        "what is plain is seen in few"
    )


def test_chance_exceeds_its_limit_rarely():
    random = np.random.default_rng(2)
    beyond = 0
    for _ in range(400):
        found = stability_of_numbers(random.normal(0, 1, 1_000), random.normal(0, 1, 300), 1)
        beyond += found.index > found.by_chance
    assert beyond <= 12, "one in a hundred is expected"


@pytest.mark.parametrize("moved", [4_000.0, 7_875.0, 8_125.0])
def test_a_constant_value_is_separated_from_its_neighbours(moved):
    before, now = np.full(1_000, 8_000.0), np.full(1_000, moved)
    assert stability_of_numbers(before, now, 7).change is Change.CHANGED
    assert stability_of_numbers(before, before, 7).index == pytest.approx(0, abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 500), min_size=6, max_size=6).filter(any),
    st.lists(st.integers(0, 500), min_size=6, max_size=6).filter(any),
)
def test_the_index_is_not_negative_and_symmetric(before, now):
    there, back = (
        stability_of_counts(np.array(before), np.array(now), 7),
        stability_of_counts(np.array(now), np.array(before), 7),
    )
    assert there.index >= 0
    assert there.index == pytest.approx(back.index)
    assert (there.before, there.now) == (sum(before), sum(now))
