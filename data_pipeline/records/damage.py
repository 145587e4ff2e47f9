"""The damaged shard of a dataset, named where its records are read."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from data_pipeline.dataset import Dataset
from data_pipeline.errors import UserError


@contextmanager
def damage_named(dataset: Dataset) -> Iterator[None]:
    """A context in which records are read; TensorFlow's error for a damaged one does not say in which file it lies.

    Sizes are checked when a dataset is opened. A single changed byte shows only here, by the record's checksum.

    Args:
        dataset: The dataset whose records are read.

    Raises:
        UserError: If a record is damaged.
    """
    try:
        yield
    except tf.errors.DataLossError as error:
        for split in dataset.splits.values():
            for shard in split.shards:
                path = dataset.folder / shard
                if not _is_whole(str(path)):
                    raise UserError(f"{path} is damaged: prepare the dataset again") from error
        raise


def _is_whole(path: str) -> bool:
    try:
        for _ in tf.data.TFRecordDataset(path):
            pass
    except tf.errors.DataLossError:
        return False
    return True
