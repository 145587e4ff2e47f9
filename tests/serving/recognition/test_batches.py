import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.errors import RecognitionError, UnreadableAudioError
from serving.recognition.audio import Utterance
from serving.recognition.batches import MAX_SAMPLES, MAX_UTTERANCES, ReadAhead, is_full, plan_batches

SECOND = 16_000
UTTERANCES = st.one_of(
    st.integers(0, 40_000).map(lambda size: Utterance(np.zeros(size, np.float32))),
    st.just(UnreadableAudioError("clip.wav is empty")),
)


def cost(batches, lengths):
    return sum(len(batch) * max(lengths[place] for place in batch) + SECOND for batch in batches)


@given(st.lists(st.integers(0, 10 * SECOND), max_size=60), st.integers(1, 9))
def test_everyone_is_in_one_batch_within_bounds(lengths, max_rows):
    batches = plan_batches(lengths, max_rows, max_samples=12 * SECOND)
    assert sorted(itertools.chain.from_iterable(batches)) == list(range(len(lengths)))
    for batch in batches:
        rows = [lengths[place] for place in batch]
        assert rows == sorted(rows, reverse=True)
        assert len(batch) <= max_rows
        assert len(batch) == 1 or len(batch) * rows[0] <= 12 * SECOND


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10 * SECOND), min_size=1, max_size=8), st.integers(1, 4))
def test_no_way_of_cutting_the_sorted_lengths_costs_less(lengths, max_rows):
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    ways = [cut(order, cuts) for cuts in itertools.product([False, True], repeat=len(order) - 1)]
    least = min(cost(way, lengths) for way in ways if max(map(len, way)) <= max_rows)
    assert cost(plan_batches(lengths, max_rows), lengths) == least


def cut(order, cuts):
    batches = [[order[0]]]
    for place, here in zip(order[1:], cuts, strict=True):
        if here:
            batches.append([])
        batches[-1].append(place)
    return batches


def test_short_and_long_ones_are_kept_apart():
    lengths = [2 * SECOND, 10 * SECOND] * 16
    assert sorted(len(batch) for batch in plan_batches(lengths, 32)) == [16, 16]


def test_those_of_one_length_fill_batches():
    assert sorted(len(batch) for batch in plan_batches([3 * SECOND] * 70, 32)) == [6, 32, 32]


@given(st.lists(UTTERANCES, max_size=30), st.integers(1, 8))
def test_each_utterance_is_found_where_it_went(utterances, batch_size):
    ahead = ReadAhead(utterances, batch_size)
    assert all(1 <= len(batch) <= batch_size for batch in ahead.batches)
    places = list(ahead.in_order())
    assert len(places) == len(utterances)
    taken = [place for place in places if not isinstance(place, RecognitionError)]
    assert len(set(taken)) == len(taken) == sum(map(len, ahead.batches))
    for place, utterance in zip(places, utterances, strict=True):
        found = place if isinstance(place, RecognitionError) else ahead.batches[place[0]][place[1]]
        assert found is utterance


def test_it_is_full_by_number_or_by_length():
    short, long = (Utterance(np.zeros(size, np.float32)) for size in (100, MAX_SAMPLES // 4))
    assert not is_full([short] * (MAX_UTTERANCES - 1))
    assert is_full([short] * MAX_UTTERANCES)
    assert not is_full([long] * 3)
    assert is_full([long] * 4)
    assert is_full([UnreadableAudioError("clip.wav is empty")] * MAX_UTTERANCES)
