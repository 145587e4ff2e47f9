"""The part of each batch that one of several processes makes."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf


@dataclass(frozen=True, slots=True)
class BatchPart:
    """Which rows of each batch a process makes.

    The rows of a batch are divided among replicas, evenly and in their order, and a process has the rows of some that
    follow each other. A batch of fewer rows than there are replicas is everyone's whole.

    Attributes:
        replicas: Of all processes.
        first: The process's first, counted from 0.
        after: The first that is no longer the process's.
    """

    replicas: int
    first: int
    after: int

    def rows(self, count: int) -> range:
        """Those of a batch that has so many in all."""
        if count < self.replicas:
            return range(count)
        return range(count * self.first // self.replicas, count * self.after // self.replicas)


class BatchRows(NamedTuple):
    """The rows of one batch that are made.

    Attributes:
        first: int64 scalar.
        after: int64 scalar, the first that is not made any more.
        count: int64 scalar, how many rows the whole batch has.
    """

    first: tf.Tensor
    after: tf.Tensor
    count: tf.Tensor


class PartedBatches:
    """Batches of clips of which a process makes some rows.

    Args:
        part: Which.
        clips: In all batches together.
        batch_size: Rows of a whole batch; the last may have fewer.
        neighbours: Whether the row before the first is made as well, for mixup. The last row is the neighbour of row 0.
    """

    def __init__(self, part: BatchPart, clips: int, batch_size: int, neighbours: bool) -> None:
        self._batch_size = batch_size
        self._whole_batches, self._rest = divmod(clips, batch_size)
        self._of_whole, self._of_rest = part.rows(batch_size), part.rows(self._rest)
        self._neighbours = neighbours

    def rows(self, batch: tf.Tensor) -> BatchRows:
        """Those of a batch.

        Args:
            batch: int64 scalar, which, from 0.
        """
        return BatchRows(
            self._either(batch, self._of_whole.start, self._of_rest.start),
            self._either(batch, self._of_whole.stop, self._of_rest.stop),
            self._either(batch, self._batch_size, self._rest),
        )

    def includes(self, index: tf.Tensor) -> tf.Tensor:
        """Whether a clip is made.

        Args:
            index: int64 scalar, its place among all, from 0.

        Returns:
            bool scalar.
        """
        batch, row = index // self._batch_size, index % self._batch_size
        first, after, count = self.rows(batch)
        made = (first <= row) & (row < after)
        return made | (row == (first - 1) % count) if self._neighbours else made

    def join(self, clips: tf.data.Dataset, shapes, padding) -> tf.data.Dataset:
        """Clips as batches.

        Args:
            clips: Of (index, clip), those that are included, in their order.
            shapes: Of a clip, see `tf.data.Dataset.padded_batch`.
            padding: See there.

        Returns:
            Batches of rows in the order of their indices, the neighbour among them.
        """
        return clips.group_by_window(
            lambda index, _: index // self._batch_size,
            lambda _, window: window.map(lambda _, clip: clip).padded_batch(self._batch_size, shapes, padding),
            window_size_func=lambda batch: self._either(batch, self._made(self._of_whole), self._made(self._of_rest)),
        )

    def _made(self, rows: range) -> int:
        count = self._batch_size if rows is self._of_whole else self._rest
        return len(rows) + (self._neighbours and len(rows) < count)

    def _either(self, batch: tf.Tensor, of_whole: int, of_rest: int) -> tf.Tensor:
        return tf.where(batch < self._whole_batches, tf.constant(of_whole, tf.int64), tf.constant(of_rest, tf.int64))
