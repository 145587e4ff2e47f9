"""The part of each batch that one of several processes computes, in distributed training."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf


@dataclass(frozen=True, slots=True)
class BatchPart:
    """Which rows of each batch a process computes.

    The rows of a batch are divided evenly among replicas, in order, and a process has the rows of consecutive replicas.
    Every process computes a whole batch that has fewer rows than there are replicas.

    Attributes:
        replicas: Number of replicas of all processes.
        first: First replica of the process, counted from 0.
        after: First replica after those of the process.
    """

    replicas: int
    first: int
    after: int

    def rows(self, count: int) -> range:
        """The rows of the process, of a batch with `count` rows."""
        if count < self.replicas:
            return range(count)
        return range(count * self.first // self.replicas, count * self.after // self.replicas)


class BatchRows(NamedTuple):
    """The rows of one batch that a process computes.

    Attributes:
        first: int64 scalar, the first row.
        after: int64 scalar, the first row after them.
        count: int64 scalar, number of rows of the whole batch.
    """

    first: tf.Tensor
    after: tf.Tensor
    count: tf.Tensor


class PartedBatches:
    """Batches of clips of which a process computes some rows.

    Args:
        part: Which rows.
        clips: Number of clips of all batches together.
        batch_size: Number of rows of a whole batch; the last batch may have fewer.
        neighbours: Whether the row before the first is computed, too, for mixup. The neighbour of row 0 is the last
            row.
    """

    def __init__(self, part: BatchPart, clips: int, batch_size: int, neighbours: bool) -> None:
        self._batch_size = batch_size
        self._whole_batches, self._rest = divmod(clips, batch_size)
        self._of_whole, self._of_rest = part.rows(batch_size), part.rows(self._rest)
        self._neighbours = neighbours

    def rows(self, batch: tf.Tensor) -> BatchRows:
        """The rows of a batch that the process computes.

        Args:
            batch: int64 scalar, number of the batch, from 0.
        """
        return BatchRows(
            self._either(batch, self._of_whole.start, self._of_rest.start),
            self._either(batch, self._of_whole.stop, self._of_rest.stop),
            self._either(batch, self._batch_size, self._rest),
        )

    def includes(self, index: tf.Tensor) -> tf.Tensor:
        """Whether the process computes a clip.

        Args:
            index: int64 scalar, place of the clip among all clips, from 0.

        Returns:
            bool scalar.
        """
        batch, row = index // self._batch_size, index % self._batch_size
        first, after, count = self.rows(batch)
        is_ours = (first <= row) & (row < after)
        return is_ours | (row == (first - 1) % count) if self._neighbours else is_ours

    def join(self, clips: tf.data.Dataset, shapes, padding) -> tf.data.Dataset:
        """Group clips into batches.

        Args:
            clips: Dataset of (index, clip) with the clips that are included, in order.
            shapes: Shapes of a clip; see `tf.data.Dataset.padded_batch`.
            padding: Padding values; see `tf.data.Dataset.padded_batch`.

        Returns:
            Batches of rows in the order of their indices, including the neighbour.
        """
        return clips.group_by_window(
            lambda index, _: index // self._batch_size,
            lambda _, window: window.map(lambda _, clip: clip).padded_batch(self._batch_size, shapes, padding),
            window_size_func=lambda batch: self._either(
                batch, self._row_count(self._of_whole), self._row_count(self._of_rest)
            ),
        )

    def _row_count(self, rows: range) -> int:
        count = self._batch_size if rows is self._of_whole else self._rest
        return len(rows) + (self._neighbours and len(rows) < count)

    def _either(self, batch: tf.Tensor, of_whole: int, of_rest: int) -> tf.Tensor:
        return tf.where(batch < self._whole_batches, tf.constant(of_whole, tf.int64), tf.constant(of_rest, tf.int64))
