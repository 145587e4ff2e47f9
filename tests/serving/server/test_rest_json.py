"""Conversion of tensors to TensorFlow Serving's JSON and back."""

import base64
import contextlib
import json

import grpc
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from serving.server.request_error import RequestError
from serving.server.rest_json import Format, fill_request, response_json
from serving.tensors import to_array, write_tensor


def read(document, **dtypes) -> tuple[dict[str, np.ndarray], Format]:
    """The inputs that are read from a document, for a signature with these inputs."""
    signature = SignatureDef()
    for name, dtype in dtypes.items():
        signature.inputs[name].dtype = dtype.as_datatype_enum
    request = PredictRequest()
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    layout = fill_request(body, request, lambda _: signature)
    return {name: to_array(tensor) for name, tensor in request.inputs.items()}, layout


def written(layout: Format, **outputs) -> dict:
    response = PredictResponse()
    for name, array in outputs.items():
        write_tensor(response.outputs[name], np.asarray(array))
    return json.loads(response_json(response, layout))


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=3), elements=st.floats(width=32)))
def test_floats_come_through_exactly(array):
    document = written(Format.COLUMN, x=array)
    inputs, layout = read({"inputs": document["outputs"]}, x=tf.float32)
    assert layout is Format.COLUMN
    np.testing.assert_array_equal(inputs["x"], array)
    assert inputs["x"].dtype == np.float32


def test_floats_are_as_short_as_they_can_be():
    assert written(Format.COLUMN, x=np.float32([[0.2]])) == {"outputs": [[0.2]]}


def test_rows_and_columns_hold_the_same():
    rows = {"instances": [{"x": [1, 2], "n": 1}, {"x": [3, 4], "n": 2}]}
    columns = {"inputs": {"x": [[1, 2], [3, 4]], "n": [1, 2]}}
    by_row, _ = read(rows, x=tf.float32, n=tf.int32)
    by_column, _ = read(columns, x=tf.float32, n=tf.int32)
    for inputs in (by_row, by_column):
        assert inputs["x"].tolist() == [[1, 2], [3, 4]]
        assert inputs["n"].tolist() == [1, 2]
    assert written(Format.ROW, x=[[1, 2], [3, 4]], n=[1, 2]) == {
        "predictions": [{"x": [1, 2], "n": 1}, {"x": [3, 4], "n": 2}]
    }
    assert written(Format.ROW, n=[1, 2]) == {"predictions": [1, 2]}


def test_bytes_are_base64_and_names_in_bytes_come_back_so():
    packed = {"b64": base64.b64encode(b"\xff\0").decode()}
    inputs, _ = read({"instances": [packed, "ä"]}, audio=tf.string)
    assert inputs["audio"].tolist() == [b"\xff\0", "ä".encode()]
    assert written(Format.ROW, text=np.array([b"a"], object)) == {"predictions": ["a"]}
    assert written(Format.ROW, x_bytes=np.array([b"\xff\0"], object)) == {"predictions": [packed]}


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([1e39], tf.float32),
        ([2**24], tf.float32),
        ([True], tf.float32),
        ([None], tf.float32),
        (["1"], tf.float32),
        ([{"b64": "AA=="}], tf.float32),
        ([1.0], tf.int32),
        ([2**31], tf.int32),
        ([-1], tf.uint32),
        ([1], tf.bool),
        ([1], tf.string),
        ([{"b64": "!"}], tf.string),
        ([{"b64": "AA==", "more": 1}], tf.string),
        ([[1], [1, 2]], tf.int32),
        ([[1], 2], tf.int32),
    ],
)
def test_values_that_do_not_fit_are_refused(value, dtype):
    with pytest.raises(RequestError) as refused:
        read({"inputs": {"x": value}}, x=dtype)
    assert refused.value.code == grpc.StatusCode.INVALID_ARGUMENT


def test_nesting_without_end_is_refused():
    with pytest.raises(RequestError, match="JSON Parse error"):
        read(b'{"instances": ' + b"[" * 100_000, x=tf.float32)


@given(st.binary(max_size=40))
def test_whatever_is_sent_is_read_or_refused(content):
    with contextlib.suppress(RequestError):  # nothing else is raised
        read(b'{"inputs": ' + content + b"}", x=tf.string)
