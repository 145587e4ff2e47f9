"""The share of each batch that a replica processes."""

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from training.distributed.team import Team


class SharedBatch(NamedTuple):
    """A batch, divided among the replicas of a process.

    Attributes:
        rows: int32 scalar, number of rows of the whole batch.
        counted: int32 scalar, number of rows in the shares of all replicas together. It is larger than `rows` if each
            replica gets the whole batch.
        shares: A part of the batch for each replica of the process.
    """

    rows: tf.Tensor
    counted: tf.Tensor
    shares: tuple


def share_out(batches: tf.data.Dataset, team: Team, clips: int, batch_size: int) -> tf.data.Dataset:
    """Divide each batch among the replicas, evenly and in their order.

    If a batch has fewer rows than there are replicas, each replica gets the whole batch: means over rows and the
    statistics of batch norms are then the same, and no replica is without rows.

    Args:
        batches: This process's part of each batch (see `Team.part`), as tensors [rows, ...] in any structure.
        team: The replicas.
        clips: Number of clips of all batches and all processes together.
        batch_size: Number of rows of a whole batch.

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
        return SharedBatch(rows, counted, tuple(share(replica) for replica in team.local_replicas))

    return batches.enumerate().map(shared).prefetch(1)


def pad_to_longest(features: Mapping[str, tf.Tensor], padding: Mapping[str, float]) -> dict[str, tf.Tensor]:
    """Pad a replica's clips to the longest clip of all replicas, as if all were in one batch.

    Padding never changes a prediction. But batch norms take their statistics from whole windows, also from silent ones.

    Args:
        features: Features of one replica, by name.
        padding: For each feature with a time axis, which is the second axis, the value to pad with.

    Returns:
        The features; those with a time axis are equally long in all replicas.
    """
    context = tf.distribute.get_replica_context()

    def padded(values: tf.Tensor, fill: float) -> tf.Tensor:
        # As a float, since not every device gathers integers.
        own = tf.shape(values)[1]
        longest = tf.cast(tf.reduce_max(context.all_gather(tf.cast([own], "float32"), axis=0)), "int32")
        behind = [[0, 0], [0, longest - own], *([[0, 0]] * (values.shape.rank - 2))]
        return tf.pad(values, behind, constant_values=fill)

    return {name: padded(values, padding[name]) if name in padding else values for name, values in features.items()}
