"""Which rows of a batch each replica is given."""

from typing import NamedTuple

import tensorflow as tf

from training.distributed.team import Team


class SharedBatch(NamedTuple):
    """A batch as the replicas of a process are given it.

    Attributes:
        rows: int32 scalar, how many the whole batch has.
        counted: int32 scalar, how many all replicas together are given: more, if each is given the whole batch.
        shares: A part of the batch for each replica of the process.
    """

    rows: tf.Tensor
    counted: tf.Tensor
    shares: tuple


def share_out(batches: tf.data.Dataset, team: Team, clips: int, batch_size: int) -> tf.data.Dataset:
    """Divide each batch among the replicas, evenly and in their order.

    A batch of fewer rows than there are replicas is given whole to each: means over rows, and the statistics of batch
    norms, are then the same, and no replica stands empty.

    Args:
        batches: Of this process's part of each batch (see `Team.part`), as tensors [rows, ...] in any structure.
        team: Who shares.
        clips: In all batches together, of all processes.
        batch_size: Rows of a whole batch.

    Returns:
        Elements are `SharedBatch`.
    """
    replicas, first_replica = team.replicas, team.part.first

    def shared(number: tf.Tensor, batch: tuple) -> SharedBatch:
        rows = tf.where(number < clips // batch_size, batch_size, clips % batch_size)
        too_few = rows < replicas
        before = tf.where(too_few, 0, rows * first_replica // replicas)

        def share(replica: int) -> tuple:
            first = tf.where(too_few, 0, rows * replica // replicas - before)
            after = tf.where(too_few, rows, rows * (replica + 1) // replicas - before)
            return tf.nest.map_structure(lambda values: values[first:after], batch)

        counted = tf.where(too_few, rows * replicas, rows)
        return SharedBatch(rows, counted, tuple(share(replica) for replica in team.of_this_worker))

    return batches.enumerate().map(shared).prefetch(1)
