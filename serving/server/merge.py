"""Several calls' inputs as one batch, and its outputs as theirs again; exactly as TensorFlow Serving does it.

Sources: `CalculateMaxDimSizes` and `AddPadding` in tensorflow_serving/batching/batching_util.cc,
`MergeInputTensors` and `SplitOutputTensors` in batching_session.cc.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from serving.server.refusal import failed_precondition

Arrays = Mapping[str, np.ndarray]
"""Tensors by the name of the input or output; of those that are batched, the first dimension is the batch."""


def merge_inputs(calls: Sequence[Arrays], rows: int) -> dict[str, np.ndarray]:
    """Join calls along the batch.

    Where they differ in another dimension, each is padded at the end, to the largest, with its own *first
    element*. The rows that then still lack are the first row of the last call, over and over.

    Args:
        calls: At least one, all with the same inputs, of the same ranks and dtypes. None that needs padding is
            empty.
        rows: Of the batch; at least as many as the calls have together.

    Returns:
        Each input with `rows` rows.
    """
    return {name: _merge([call[name] for call in calls], rows) for name in calls[0]}


def merged_shape(shapes: Sequence[tuple[int, ...]], rows: int) -> tuple[int, ...]:
    """The shape that tensors of these shapes, all of one rank, have as one batch of `rows`."""
    return (rows, *(max(sizes) for sizes in list(zip(*shapes, strict=True))[1:]))


def split_outputs(outputs: Arrays, rows: Sequence[int], batch: int) -> list[dict[str, np.ndarray]]:
    """Give each call its rows of a batch's outputs.

    Args:
        outputs: Of the batch.
        rows: How many each call has, in their order; what follows them is nobody's.
        batch: Rows of the batch.

    Raises:
        Refusal: If an output has not as many rows as the batch.
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
