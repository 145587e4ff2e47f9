"""Convert `TensorProto` messages to and from numpy, without trusting the sender.

`tf.make_ndarray` trusts the message: a few bytes that claim a shape of [1, 10**12] make it allocate that much memory.
The functions here check a message first, so a malformed message is rejected before memory is allocated.
"""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

MAX_MESSAGE_BYTES = 128 * 2**20
"""The largest message that server and client accept, and the largest tensor that a message may expand to. gRPC's
default of 4 MiB holds two seconds of audio for a batch of 32 rows; this holds 60 s."""

_MAX_TYPED_VALUES = 1_000
"""Maximum number of values that are also written to a typed field: the answers for a hundred clips."""

_MAX_RANK = 32
"""Far more than any signature has; numpy's own limit is 64."""

_VALUE_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.float16: "half_val",
    tf.bfloat16: "half_val",
    tf.int8: "int_val",
    tf.uint8: "int_val",
    tf.int16: "int_val",
    tf.uint16: "int_val",
    tf.int32: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}
"""The typed field of each dtype, for values outside `tensor_content` (tensorflow/core/framework/tensor.proto)."""


class MalformedTensorError(ValueError):
    """A `TensorProto` is inconsistent or too large."""


def to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """Convert an array, as TensorFlow Serving does with `--enable_serialization_as_tensor_content`.

    Args:
        array: A numeric array, or an array of `bytes` objects (dtype object or S) for a string tensor.

    Returns:
        Numbers in `tensor_content`, strings in `string_val`.
    """
    dtype = tf.dtypes.as_dtype(array.dtype)
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=tf.TensorShape(array.shape).as_proto())
    if dtype == tf.string:
        proto.string_val.extend(array.ravel().tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()
    return proto


def to_answer_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """Convert an array so that every client can read it, whichever of the two encodings it knows.

    Depending on a flag, TensorFlow Serving writes `tensor_content` or typed fields, and some published clients read
    only the latter. An answer is small enough to contain both. TensorFlow reads `tensor_content` if it is not empty.

    Args:
        array: See `to_proto`.

    Returns:
        Numbers in `tensor_content`; up to a thousand numbers also in the typed field of their dtype.
    """
    proto = to_proto(array)
    dtype = tf.dtypes.as_dtype(array.dtype)
    if dtype != tf.string and array.size <= _MAX_TYPED_VALUES:
        bits = array.view(np.uint16) if _VALUE_FIELDS[dtype] == "half_val" else array
        getattr(proto, _VALUE_FIELDS[dtype]).extend(bits.ravel().tolist())
    return proto


def to_array(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Convert a received tensor, in any of the encodings that TensorFlow writes.

    A message may hold fewer values than its shape has elements, as in TensorFlow: then the last value is repeated.

    Args:
        proto: Tensor of a request or a response.

    Returns:
        Array with the shape of the message; strings as `bytes` in an object array.

    Raises:
        MalformedTensorError: If dtype, shape and content are inconsistent, or the tensor would be larger than
            `MAX_MESSAGE_BYTES`.
    """
    dtype = _dtype(proto)
    shape = _shape(proto)
    elements = math.prod(shape)
    if dtype == tf.string:
        _check_strings(proto, shape, elements)
    else:
        _check_numbers(proto, dtype, shape, elements)
    try:
        return tf.make_ndarray(proto)
    except (ValueError, TypeError) as error:
        raise MalformedTensorError(f"its content cannot be read as {dtype.name} {list(shape)}: {error}") from error


def _dtype(proto: tensor_pb2.TensorProto) -> tf.DType:
    try:
        dtype = tf.dtypes.as_dtype(proto.dtype)
    except TypeError:
        dtype = None
    if dtype not in _VALUE_FIELDS:
        raise MalformedTensorError(f"its dtype {dtype.name if dtype else proto.dtype} cannot be sent")
    return dtype


def _shape(proto: tensor_pb2.TensorProto) -> tuple[int, ...]:
    if proto.tensor_shape.unknown_rank:
        raise MalformedTensorError("its shape has no known rank")
    if len(proto.tensor_shape.dim) > _MAX_RANK:
        raise MalformedTensorError(f"its shape has {len(proto.tensor_shape.dim)} dimensions")
    shape = tuple(dimension.size for dimension in proto.tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise MalformedTensorError(f"its shape {list(shape)} has a negative dimension")
    return shape


def _check_numbers(proto: tensor_pb2.TensorProto, dtype: tf.DType, shape: tuple[int, ...], elements: int) -> None:
    size = elements * dtype.size
    _check_size(size, shape)
    if not proto.tensor_content:
        _check_count(len(getattr(proto, _VALUE_FIELDS[dtype])), shape, elements)
    elif len(proto.tensor_content) != size:
        raise MalformedTensorError(
            f"its tensor_content holds {len(proto.tensor_content)} bytes where {dtype.name} {list(shape)} takes {size}"
        )


def _check_strings(proto: tensor_pb2.TensorProto, shape: tuple[int, ...], elements: int) -> None:
    if proto.tensor_content:
        raise MalformedTensorError("its strings are in tensor_content where string_val is expected")
    values = proto.string_val
    _check_count(len(values), shape, elements)
    if elements:
        repetitions = (elements - len(values)) * len(values[-1])
        _check_size(repetitions + elements * np.dtype(object).itemsize, shape)


def _check_count(values: int, shape: tuple[int, ...], elements: int) -> None:
    if values > elements or (elements and not values):
        raise MalformedTensorError(f"it holds {values} values where its shape {list(shape)} takes {elements}")


def _check_size(size: int, shape: tuple[int, ...]) -> None:
    if size > MAX_MESSAGE_BYTES:
        raise MalformedTensorError(
            f"its shape {list(shape)} takes {size} bytes, more than the {MAX_MESSAGE_BYTES} allowed"
        )
