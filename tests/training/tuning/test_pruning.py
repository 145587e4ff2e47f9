import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.errors import UserError
from training.tuning.trial import Pruning

values = st.floats(0, 1)
courses = st.lists(st.dictionaries(st.integers(1, 9), values, min_size=1), max_size=8)


@given(courses, st.integers(1, 9), values)
def test_fewer_than_half_of_the_complete_trials_would_have_been_pruned(complete, step, value):
    pruning = Pruning(startup=1, warmup=0)
    reached = [course[max(k for k in course if k <= step)] for course in complete if min(course) <= step]
    given_up = [one for one in reached if pruning.prunes(step, one, complete)]
    assert len(given_up) <= len(reached) / 2
    if pruning.prunes(step, value, complete):
        assert sum(value < one for one in reached) >= len(reached) / 2


def test_a_trial_is_compared_with_others_at_the_same_step():
    complete = [{1: 0.2, 2: 0.5, 3: 0.4}, {1: 0.3, 2: 0.6, 3: 0.5}]
    pruning = Pruning(startup=2, warmup=1)
    assert not pruning.prunes(1, 0.0, complete)
    assert pruning.prunes(2, 0.54, complete)
    assert not pruning.prunes(2, 0.55, complete)
    # The second fold is harder for all: what was reached in the first does not count there.
    assert not pruning.prunes(3, 0.46, complete)
    assert not Pruning(startup=3).prunes(2, 0.0, complete)


def test_a_training_that_stopped_early_counts_with_its_last_value():
    complete = [{1: 0.4, 2: 0.5}, {1: 0.2, 2: 0.3, 3: 0.7}]
    assert Pruning(startup=2, warmup=0).prunes(3, 0.59, complete)
    assert not Pruning(startup=2, warmup=0).prunes(3, 0.6, complete)


@pytest.mark.parametrize("wrong", [{"startup": 0}, {"warmup": -1}])
def test_invalid_numbers_are_refused(wrong):
    with pytest.raises(UserError, match="1 complete trial or more"):
        Pruning(**wrong)
