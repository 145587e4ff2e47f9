"""Convert `TensorProto` messages to and from numpy, without trusting the sender.

`tf.make_ndarray` trusts the message: a few bytes that claim a shape of [1, 10**12] make it allocate that much memory.
The functions here check a message first, so a malformed message is rejected before memory is allocated.

Neither TensorFlow nor a certain class of messages is needed: a client has those of `protocol`, and a server those of
TensorFlow.
"""

import math
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import Message

MAX_MESSAGE_BYTES = 128 * 2**20
"""The largest message that server and client accept, and the largest tensor that a message may expand to. gRPC's
default of 4 MiB holds two seconds of audio for a batch of 32 rows; this holds 60 s."""

_MAX_TYPED_VALUES = 1_000
"""Maximum number of values that are also written to a typed field: the answers for a hundred clips."""

_MAX_RANK = 32
"""Far more than any signature has; numpy's own limit is 64."""


@dataclass(frozen=True, slots=True)
class _Dtype:
    """A dtype that can be sent.

    Attributes:
        number: Number of the dtype (tensorflow/core/framework/types.proto).
        name: Name of the dtype.
        field: The field for values outside `tensor_content` (tensorflow/core/framework/tensor.proto).
    """

    number: int
    name: str
    field: str


_STRING = _Dtype(7, "string", "string_val")

_DTYPES = (
    _Dtype(1, "float32", "float_val"),
    _Dtype(2, "float64", "double_val"),
    _Dtype(3, "int32", "int_val"),
    _Dtype(4, "uint8", "int_val"),
    _Dtype(5, "int16", "int_val"),
    _Dtype(6, "int8", "int_val"),
    _STRING,
    _Dtype(9, "int64", "int64_val"),
    _Dtype(10, "bool", "bool_val"),
    _Dtype(14, "bfloat16", "half_val"),
    _Dtype(17, "uint16", "int_val"),
    _Dtype(19, "float16", "half_val"),
    _Dtype(22, "uint32", "uint32_val"),
    _Dtype(23, "uint64", "uint64_val"),
)

_BY_NUMBER = {dtype.number: dtype for dtype in _DTYPES}
_BY_NAME = {dtype.name: dtype for dtype in _DTYPES}


class MalformedTensorError(ValueError):
    """A `TensorProto` is inconsistent or too large."""


def write_tensor(proto: Message, array: np.ndarray) -> None:
    """Write an array to a message, as TensorFlow Serving does with `--enable_serialization_as_tensor_content`.

    Args:
        proto: A `TensorProto`, whose content is replaced. Numbers are written to `tensor_content`, strings to
            `string_val`.
        array: A numeric array, or an array of `bytes` objects (dtype object or S) for a string tensor.

    Raises:
        TypeError: If arrays of this dtype cannot be sent.
    """
    dtype = _dtype_of(array)
    proto.Clear()
    proto.dtype = dtype.number
    # Without sizes, an empty shape says that there is one.
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if dtype is _STRING:
        proto.string_val.extend(array.ravel().tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array, dtype.name).tobytes()


def write_answer(proto: Message, array: np.ndarray) -> None:
    """Write an array so that every client can read it, whichever of the two encodings it knows.

    Depending on a flag, TensorFlow Serving writes `tensor_content` or typed fields, and some published clients read
    only the latter. An answer is small enough to contain both. TensorFlow reads `tensor_content` if it is not empty.

    Args:
        proto: See `write_tensor`. Up to a thousand numbers are also written to the typed field of their dtype.
        array: See `write_tensor`.
    """
    write_tensor(proto, array)
    dtype = _dtype_of(array)
    if dtype is not _STRING and array.size <= _MAX_TYPED_VALUES:
        bits = array.view(np.uint16) if dtype.field == "half_val" else array
        getattr(proto, dtype.field).extend(bits.ravel().tolist())


def to_array(proto: Message) -> np.ndarray:
    """Convert a received tensor, in any of the encodings that TensorFlow writes.

    A message may hold fewer values than its shape has elements, as in TensorFlow: then the last value is repeated.

    Args:
        proto: `TensorProto` of a request or a response.

    Returns:
        Array with the shape of the message; strings as `bytes` in an object array.

    Raises:
        MalformedTensorError: If dtype, shape and content are inconsistent, or the tensor would be larger than
            `MAX_MESSAGE_BYTES`.
    """
    dtype = _dtype(proto)
    shape = _shape(proto)
    elements = math.prod(shape)
    if dtype is _STRING:
        _check_strings(proto, shape, elements)
    else:
        _check_numbers(proto, dtype, shape, elements)
    try:
        values = _values(proto, dtype)
        return np.concatenate([values, np.repeat(values[-1:], elements - values.size)]).reshape(shape)
    except (ValueError, OverflowError) as error:
        raise MalformedTensorError(f"its content cannot be read as {dtype.name} {list(shape)}: {error}") from error


def _dtype_of(array: np.ndarray) -> _Dtype:
    dtype = _STRING if array.dtype.kind in "OS" else _BY_NAME.get(array.dtype.name)
    if dtype is None:
        raise TypeError(f"only numbers and bytes can be sent. Received: an array of {array.dtype.name}")
    return dtype


def _dtype(proto: Message) -> _Dtype:
    dtype = _BY_NUMBER.get(proto.dtype)
    if dtype is None or (dtype is not _STRING and _numpy_dtype(dtype) is None):
        raise MalformedTensorError(f"its dtype {_dtype_name(proto)} cannot be sent")
    return dtype


def _dtype_name(proto: Message) -> str:
    """Name of any dtype of TensorFlow: `resource` for DT_RESOURCE."""
    if proto.dtype in _BY_NUMBER:
        return _BY_NUMBER[proto.dtype].name
    known = proto.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_number
    return known[proto.dtype].name.removeprefix("DT_").lower() if proto.dtype in known else str(proto.dtype)


def _numpy_dtype(dtype: _Dtype) -> np.dtype | None:
    """The dtype in numpy; None for bfloat16 where ml_dtypes, which adds it to numpy, is not imported: in a client."""
    try:
        return np.dtype(dtype.name)
    except TypeError:
        return None


def _values(proto: Message, dtype: _Dtype) -> np.ndarray:
    """The values that a message holds, [values]: as many as its shape has elements, or fewer."""
    if dtype is _STRING:
        return np.array(list(proto.string_val), object)
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype.name)
    values = list(getattr(proto, dtype.field))
    return np.array(values, np.uint16).view(dtype.name) if dtype.field == "half_val" else np.array(values, dtype.name)


def _shape(proto: Message) -> tuple[int, ...]:
    if proto.tensor_shape.unknown_rank:
        raise MalformedTensorError("its shape has no known rank")
    if len(proto.tensor_shape.dim) > _MAX_RANK:
        raise MalformedTensorError(f"its shape has {len(proto.tensor_shape.dim)} dimensions")
    shape = tuple(dimension.size for dimension in proto.tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise MalformedTensorError(f"its shape {list(shape)} has a negative dimension")
    return shape


def _check_numbers(proto: Message, dtype: _Dtype, shape: tuple[int, ...], elements: int) -> None:
    size = elements * np.dtype(dtype.name).itemsize
    _check_size(size, shape)
    if not proto.tensor_content:
        _check_count(len(getattr(proto, dtype.field)), shape, elements)
    elif len(proto.tensor_content) != size:
        raise MalformedTensorError(
            f"its tensor_content holds {len(proto.tensor_content)} bytes where {dtype.name} {list(shape)} takes {size}"
        )


def _check_strings(proto: Message, shape: tuple[int, ...], elements: int) -> None:
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
