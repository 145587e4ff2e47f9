"""Convert TensorFlow Serving's JSON requests to tensors, and answers to JSON.

The format is that of https://www.tensorflow.org/tfx/serving/api_rest and tensorflow_serving/util/json_tensor.cc: a
request with `instances` (rows) is answered with `predictions`, a request with `inputs` (columns) with `outputs`. Bytes
are `{"b64": "..."}`.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from serving.server.request_error import invalid
from serving.tensors import to_array, write_tensor

_EXACT_IN_FLOAT32 = 2**24 - 1
_MAX_SHOWN = 80  # number of characters of a wrong value that an error quotes


class Format(Enum):
    """The layout of the batch in a request and in its answer."""

    ROW = "instances"
    COLUMN = "inputs"


def fill_request(body: bytes, request: PredictRequest, signature: Callable[[str], SignatureDef]) -> Format:
    """Read a predict request.

    Args:
        body: The JSON text.
        request: Message that receives the name of the signature and the inputs.
        signature: Function that returns a signature by its name.

    Returns:
        The layout of the request.

    Raises:
        RequestError: If the text is not JSON or not a predict request.
    """
    document = _parsed(body)
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid("'signature_name' key must be a string value.")
    request.model_spec.signature_name = name
    dtypes = {key: tf.dtypes.as_dtype(info.dtype) for key, info in signature(name).inputs.items()}
    if ("instances" in document) == ("inputs" in document):
        raise invalid("Expecting exactly one of the keys 'inputs' or 'instances'")
    if "instances" in document:
        columns, layout = _columns(document["instances"], dtypes), Format.ROW
    else:
        columns, layout = _named(document["inputs"], dtypes), Format.COLUMN
    for key, value in columns.items():
        write_tensor(request.inputs[key], _array(key, value, dtypes[key]))
    return layout


def response_json(response: PredictResponse, layout: Format) -> str:
    """Write the answer to a predict request.

    Args:
        response: The answer.
        layout: Layout of the request.

    Raises:
        RequestError: If the layout is rows, but the outputs have different numbers of rows.
    """
    arrays = {name: to_array(tensor) for name, tensor in sorted(response.outputs.items())}
    values = {name: _values(name, array) for name, array in arrays.items()}
    if layout is Format.COLUMN:
        return json.dumps({"outputs": values if len(values) > 1 else next(iter(values.values()))})
    if len({array.shape[:1] for array in arrays.values()}) > 1 or any(not array.ndim for array in arrays.values()):
        raise invalid("the outputs have inconsistent batch sizes: use 'inputs' instead of 'instances'")
    if len(values) == 1:
        return json.dumps({"predictions": next(iter(values.values()))})
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return json.dumps({"predictions": rows})


def _parsed(body: bytes) -> dict[str, Any]:
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {_shown(document)} Is not object")
    return document


def _columns(instances: Any, dtypes: Mapping[str, tf.DType]) -> dict[str, list]:
    """Convert rows to columns."""
    if not isinstance(instances, list) or not instances:
        raise invalid("Expecting 'instances' to be a list of at least one value")
    if not _is_object(instances[0]):
        return {_only(dtypes, "instances is a plain list"): instances}
    for number, row in enumerate(instances):
        if not _is_object(row) or row.keys() != dtypes.keys():
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. JSON object: {_shown(row)} "
                f"keys must be equal to: {','.join(sorted(dtypes))}"
            )
    return {name: [row[name] for row in instances] for name in dtypes}


def _named(inputs: Any, dtypes: Mapping[str, tf.DType]) -> dict[str, Any]:
    if not _is_object(inputs):
        return {_only(dtypes, "inputs is a plain value/list"): inputs}
    for name in dtypes:
        if name not in inputs:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: inputs[name] for name in dtypes}


def _only(dtypes: Mapping[str, tf.DType], what: str) -> str:
    if len(dtypes) != 1:
        raise invalid(f"{what}, but expecting an object as multiple input tensors are required: {','.join(dtypes)}")
    return next(iter(dtypes))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _array(name: str, value: Any, dtype: tf.DType) -> np.ndarray:
    if dtype == tf.string:
        value = _encoded(value)
    try:
        array = np.array(value, object if dtype == tf.string else None)
    except ValueError as error:  # lists of different lengths
        raise invalid(f"input {name}: its lists have different lengths: pad them to one shape") from error
    if dtype == tf.string:
        return _only_bytes(name, array)
    kinds = "iuf" if dtype.is_floating else "iu" if dtype.is_integer else "b" if dtype.is_bool else ""
    if array.dtype.kind not in kinds and array.size:
        raise invalid(f"input {name}: JSON Value: {_shown(value)} is not of expected type: {dtype.name}")
    with np.errstate(over="ignore"):
        converted = array.astype(dtype.as_numpy_dtype)
    if array.size and _loses(array, converted):
        raise invalid(f"input {name}: Cannot convert a JSON value to {dtype.name} without loss of precision.")
    return converted


def _loses(array: np.ndarray, converted: np.ndarray) -> bool:
    if array.dtype.kind == "f":
        return bool((np.isfinite(array) & ~np.isfinite(converted)).any())
    if converted.dtype == np.float32:
        return bool((np.abs(array.astype(np.float64)) > _EXACT_IN_FLOAT32).any())
    return bool((array != converted).any())


def _encoded(value: Any) -> Any:
    """Convert strings and base64 objects to bytes, in lists of any depth."""
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    if isinstance(value, str):
        return value.encode()
    if not _is_base64(value):
        return value
    try:
        return base64.b64decode(value["b64"] + "=" * (-len(value["b64"]) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _only_bytes(name: str, array: np.ndarray) -> np.ndarray:
    for item in array.flat:
        if not isinstance(item, bytes):
            raise invalid(f"input {name}: JSON Value: {_shown(item)} is not of expected type: string")
    return array


def _values(name: str, array: np.ndarray) -> Any:
    if array.dtype == object:
        as_bytes = name.endswith("_bytes")  # TensorFlow Serving's convention
        texts = [
            {"b64": base64.b64encode(item).decode()} if as_bytes else item.decode(errors="replace")
            for item in array.flat
        ]  # fmt: skip
        return np.array(texts, object).reshape(array.shape).tolist()
    if array.dtype.kind == "f":
        # The shortest decimal of the float32, not that of the float64 that Python converts it to.
        return array.astype(str).astype(np.float64).tolist()
    return array.tolist()


def _shown(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
