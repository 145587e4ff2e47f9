from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.batch_part import BatchPart
from training.distributed.batch_shares import share_out


def shared(clips, batch_size, replicas, workers=1):
    """For each batch the shares of all replicas, its number of rows, and the number of counted rows."""
    of_workers = []
    each = replicas // workers
    for first in range(0, replicas, each):
        part = BatchPart(replicas, first, first + each)
        made = [
            [start + row for row in part.rows(min(batch_size, clips - start))] for start in range(0, clips, batch_size)
        ]
        batches = tf.data.Dataset.from_generator(
            lambda made=made: (({"x": np.array(rows)}, np.array(rows) * 10) for rows in made),
            output_signature=({"x": tf.TensorSpec([None], tf.int64)}, tf.TensorSpec([None], tf.int64)),
        )
        team = SimpleNamespace(replicas=replicas, part=part, local_replicas=range(first, first + each))
        of_workers.append(list(share_out(batches, team, clips, batch_size)))
    return [
        ([share for batch in same for share in batch.shares], int(same[0].rows), int(same[0].counted))
        for same in zip(*of_workers, strict=True)
    ]


@settings(deadline=None, max_examples=15)
@given(clips=st.integers(1, 30), batch_size=st.integers(1, 12), replicas=st.integers(1, 5))
def test_every_row_is_in_one_share_in_order_or_in_all(clips, batch_size, replicas):
    begin = 0
    for shares, rows, counted in shared(clips, batch_size, replicas):
        assert rows == min(batch_size, clips - begin)
        sizes = [len(features["x"]) for features, _ in shares]
        assert min(sizes) > 0
        assert sum(sizes) == counted
        everything = np.concatenate([features["x"] for features, _ in shares])
        expected = np.arange(begin, begin + rows)
        np.testing.assert_array_equal(everything, expected if rows >= replicas else np.tile(expected, replicas))
        assert max(sizes) - min(sizes) <= 1
        for features, labels in shares:
            np.testing.assert_array_equal(labels, features["x"] * 10)
        begin += rows
    assert begin == clips


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_together_have_the_shares_of_one_process(workers):
    [(shares, _, _), (rest, _, _)] = shared(15, 10, replicas=4, workers=workers)
    assert [labels.numpy().tolist() for _, labels in shares] == [[0, 10], [20, 30, 40], [50, 60], [70, 80, 90]]
    assert [labels.numpy().tolist() for _, labels in rest] == [[100], [110], [120], [130, 140]]
