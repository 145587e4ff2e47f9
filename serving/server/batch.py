"""Merge the inputs of several calls into one batch, and split its outputs, exactly as TensorFlow Serving does.

Sources: `CalculateMaxDimSizes` and `AddPadding` in tensorflow_serving/batching/batching_util.cc,
`MergeInputTensors` and `SplitOutputTensors` in batching_session.cc.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from serving.server.batching_settings import BatchingSettings
from serving.server.request_error import failed_precondition
from serving.tensors import MAX_MESSAGE_BYTES

Arrays = Mapping[str, np.ndarray]
"""Inputs or outputs by name. The first dimension of batched tensors is the batch."""


@dataclass(eq=False)
class Task:
    """A call, or a part of a call, that waits to be computed.

    Attributes:
        arrays: Inputs.
        rows: Size of the first dimension of the inputs.
        deadline: Time after which the caller needs no answer, on the event loop's clock.
        enqueued: Time at which the call arrived, on the event loop's clock.
        outputs: Future of the call's rows of the batch's outputs.
    """

    arrays: Arrays
    rows: int
    deadline: float
    enqueued: float
    outputs: asyncio.Future


@dataclass(eq=False)
class Batch:
    """Tasks that are computed together.

    Attributes:
        tasks: The tasks, in the order of their arrival.
        rows: Number of rows of all tasks.
        shapes: Shape of each input after merging and padding, by name.
    """

    tasks: list[Task]
    rows: int
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, task: Task) -> "Batch":
        """A batch of one task."""
        return cls([task], task.rows, {name: array.shape for name, array in task.arrays.items()})

    def takes(self, task: Task, settings: BatchingSettings) -> bool:
        """Whether a task can join the batch."""
        rows = self.rows + task.rows
        return rows <= settings.max_execution_batch_size and all(
            self._takes_input(name, array, rows, settings.pad_variable_length_inputs)
            for name, array in task.arrays.items()
        )

    def _takes_input(self, name: str, array: np.ndarray, rows: int, pad: bool) -> bool:
        shape = self.shapes[name]
        if len(shape) != array.ndim or not array.size or not math.prod(shape):
            return False
        if shape[1:] == array.shape[1:]:
            return True
        return pad and math.prod(merged_shape([shape, array.shape], rows)) * array.itemsize <= MAX_MESSAGE_BYTES

    def add(self, task: Task) -> None:
        """Add a task that the batch takes."""
        self.rows += task.rows
        self.tasks.append(task)
        for name, array in task.arrays.items():
            self.shapes[name] = merged_shape([self.shapes[name], array.shape], self.rows)


def merge_inputs(calls: Sequence[Arrays], rows: int) -> dict[str, np.ndarray]:
    """Concatenate the inputs of calls along the batch dimension.

    If the inputs differ in another dimension, each is padded at the end to the largest size, with its own *first
    element*. If there are fewer rows than `rows`, the first row of the last call is repeated.

    Args:
        calls: Inputs of at least one call, all with the same names, ranks and dtypes. An input that needs padding must
            not be empty.
        rows: Number of rows of the batch; at least the total number of rows of the calls.

    Returns:
        Each input with `rows` rows.
    """
    return {name: _merge([call[name] for call in calls], rows) for name in calls[0]}


def merged_shape(shapes: Sequence[tuple[int, ...]], rows: int) -> tuple[int, ...]:
    """The shape of a batch of `rows` rows that is made of tensors with these shapes, all of the same rank."""
    return (rows, *(max(sizes) for sizes in list(zip(*shapes, strict=True))[1:]))


def split_outputs(outputs: Arrays, rows: Sequence[int], batch: int) -> list[dict[str, np.ndarray]]:
    """Split the outputs of a batch into those of its calls.

    Args:
        outputs: Outputs of the batch.
        rows: Number of rows of each call, in the order of the calls. Rows after them belong to no call.
        batch: Number of rows of the batch.

    Raises:
        RequestError: If the number of rows of an output is not that of the batch.
    """
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != batch:
            raise failed_precondition(
                f"Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
                f"tensors: {name} has the shape {list(array.shape)} for {batch} rows"
            )
    ends = np.cumsum(rows)
    return [
        {name: array[end - count : end] for name, array in outputs.items()}
        for end, count in zip(ends, rows, strict=True)
    ]


def _merge(parts: list[np.ndarray], rows: int) -> np.ndarray:
    if len(parts) == 1 and len(parts[0]) == rows:
        return parts[0]
    merged = np.empty(merged_shape([part.shape for part in parts], rows), parts[0].dtype)
    filled = 0
    for part in parts:
        target = merged[filled : filled + len(part)]
        if target.shape != part.shape:
            target[...] = part.flat[0]
        target[tuple(slice(size) for size in part.shape)] = part
        filled += len(part)
    if filled < rows:
        merged[filled:] = merged[filled - len(parts[-1])]
    return merged
