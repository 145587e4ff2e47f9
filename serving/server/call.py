"""Check a request against the signature of a model before anything is computed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.request_error import invalid
from serving.tensors import MalformedTensorError, to_array


@dataclass(frozen=True)
class Call:
    """A request that fits the signature of its model.

    Attributes:
        signature_name: Name of the signature.
        arrays: Inputs by name.
        wanted: Names of the outputs that the caller wants.
    """

    signature_name: str
    arrays: Mapping[str, np.ndarray]
    wanted: Sequence[str]


def check_call(
    name: str,
    signature: meta_graph_pb2.SignatureDef,
    inputs: Mapping[str, tensor_pb2.TensorProto],
    output_filter: Collection[str],
) -> Call:
    """Check a request.

    Args:
        name: Name of the signature.
        signature: The signature, as the SavedModel describes it.
        inputs: Inputs of the request.
        output_filter: Names of the outputs that the caller wants; all of them if empty.

    Raises:
        RequestError: If inputs or filter do not fit the signature.
    """
    return Call(name, wanted=_wanted_outputs(signature, output_filter), arrays=_checked_inputs(signature, inputs))


def _wanted_outputs(signature: meta_graph_pb2.SignatureDef, output_filter: Collection[str]) -> list[str]:
    for name in output_filter:
        if name not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {{{_names(signature.outputs)}}}."
            )
    if len(set(output_filter)) < len(output_filter):
        raise invalid("duplicate output tensor alias in output_filter")
    return list(output_filter) or sorted(signature.outputs)


def _checked_inputs(
    signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto]
) -> dict[str, np.ndarray]:
    extra, missing = set(inputs) - set(signature.inputs), set(signature.inputs) - set(inputs)
    if extra or missing:
        raise invalid(
            f"input size does not match signature: sent {{{_names(inputs)}}}, expected "
            f"{{{_names(signature.inputs)}}}. Sent extra: {{{_names(extra)}}}. "
            f"Missing but required: {{{_names(missing)}}}."
        )
    arrays = {name: _checked_input(name, info, inputs[name]) for name, info in signature.inputs.items()}
    _check_batch_sizes(signature, arrays)
    return arrays


def _checked_input(name: str, info: meta_graph_pb2.TensorInfo, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """One input as an array. Its dtype and shape are checked before its content is read."""
    expected = tf.TensorShape(info.tensor_shape)
    if proto.dtype != info.dtype:
        raise invalid(
            f"input {name}: expected {_dtype_name(info.dtype)} {_shown(expected)}, "
            f"received dtype {_dtype_name(proto.dtype)}"
        )
    sizes = [dimension.size for dimension in proto.tensor_shape.dim]
    if not proto.tensor_shape.unknown_rank and not _fits(sizes, expected):
        raise invalid(
            f"input {name}: expected {_dtype_name(info.dtype)} {_shown(expected)}, "
            f"received shape {sizes[:8]}{f' of rank {len(sizes)}' if len(sizes) > 8 else ''}"
        )
    try:
        return to_array(proto)
    except MalformedTensorError as error:
        raise invalid(f"input {name}: {error}") from error


def _fits(sizes: list[int], expected: tf.TensorShape) -> bool:
    if expected.rank is None:
        return True
    return len(sizes) == expected.rank and all(
        want is None or size == want for size, want in zip(sizes, expected.as_list(), strict=True)
    )


def _check_batch_sizes(signature: meta_graph_pb2.SignatureDef, arrays: Mapping[str, np.ndarray]) -> None:
    """Check that all inputs with a variable first dimension, which are batches, have the same number of rows."""
    sizes = {
        name: arrays[name].shape[0]
        for name, info in signature.inputs.items()
        if info.tensor_shape.dim and info.tensor_shape.dim[0].size == -1
    }
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name} has {size}" for name, size in sorted(sizes.items()))
        raise invalid(f"inputs must have equal 0th-dimension size: {shown}")


def _names(names: Collection[str]) -> str:
    return ",".join(sorted(names))


def _dtype_name(dtype: int) -> str:
    try:
        return tf.dtypes.as_dtype(dtype).name
    except TypeError:
        return f"number {dtype}"


def _shown(shape: tf.TensorShape) -> str:
    if shape.rank is None:
        return "of any shape"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape.as_list()) + "]"
