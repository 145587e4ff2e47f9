import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.recognition.batches import plan

SECOND = 16_000


def cost(batches, lengths):
    return sum(len(batch) * max(lengths[place] for place in batch) + SECOND for batch in batches)


@given(st.lists(st.integers(0, 10 * SECOND), max_size=60), st.integers(1, 9))
def test_everyone_is_in_one_batch_within_bounds(lengths, most_rows):
    batches = plan(lengths, most_rows, most_samples=12 * SECOND)
    assert sorted(itertools.chain.from_iterable(batches)) == list(range(len(lengths)))
    for batch in batches:
        rows = [lengths[place] for place in batch]
        assert rows == sorted(rows, reverse=True)
        assert len(batch) <= most_rows
        assert len(batch) == 1 or len(batch) * rows[0] <= 12 * SECOND


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10 * SECOND), min_size=1, max_size=8), st.integers(1, 4))
def test_no_way_of_cutting_the_sorted_lengths_costs_less(lengths, most_rows):
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    ways = [cut(order, cuts) for cuts in itertools.product([False, True], repeat=len(order) - 1)]
    least = min(cost(way, lengths) for way in ways if max(map(len, way)) <= most_rows)
    assert cost(plan(lengths, most_rows), lengths) == least


def cut(order, cuts):
    batches = [[order[0]]]
    for place, here in zip(order[1:], cuts, strict=True):
        if here:
            batches.append([])
        batches[-1].append(place)
    return batches


def test_short_and_long_ones_are_kept_apart():
    lengths = [2 * SECOND, 10 * SECOND] * 16
    assert sorted(len(batch) for batch in plan(lengths, 32)) == [16, 16]


def test_those_of_one_length_fill_batches():
    assert sorted(len(batch) for batch in plan([3 * SECOND] * 70, 32)) == [6, 32, 32]
