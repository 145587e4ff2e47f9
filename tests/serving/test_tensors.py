"""Conversion of tensors in every encoding that TensorFlow writes."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorflow.core.framework import tensor_pb2

from serving.protocol.messages import PredictRequest
from serving.tensors import MalformedTensorError, to_array, write_answer, write_tensor

DTYPES = ["float32", "float64", "float16", "int32", "int64", "uint8", "uint64", "bool"]

numbers = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


def to_proto(array, write=write_tensor):
    proto = tensor_pb2.TensorProto()
    write(proto, array)
    return proto


@given(numbers)
def test_numbers_come_back_as_they_were(array):
    received = to_array(to_proto(array))
    assert received.dtype == array.dtype
    np.testing.assert_array_equal(received, array)


@given(st.lists(st.binary(max_size=8), max_size=5))
def test_strings_come_back_as_they_were(strings):
    assert to_array(to_proto(np.array(strings, object))).tolist() == strings


@given(numbers)
def test_tensorflow_reads_what_is_written(array):
    np.testing.assert_array_equal(tf.make_ndarray(to_proto(array)), array)


@pytest.mark.parametrize("forgotten", ["tensor_content", "values"])
@given(array=numbers)
def test_an_answer_is_read_by_who_knows_one_encoding_only(array, forgotten):
    proto = to_proto(array, write_answer)
    for field, _ in proto.ListFields():
        if field.name == forgotten or (forgotten == "values" and field.name.endswith("_val")):
            proto.ClearField(field.name)
    received = tf.make_ndarray(proto)
    assert received.dtype == array.dtype
    np.testing.assert_array_equal(received, array)


def test_a_large_answer_is_not_sent_twice():
    assert len(to_proto(np.zeros(1_000_000, np.float32), write_answer).SerializeToString()) < 4_001_000


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_outside_tensor_content_are_read(dtype):
    """TensorFlow Serving answers in this way without `--enable_serialization_as_tensor_content`."""
    values = np.array([[0, 1], [1, 0]], dtype)
    proto = to_proto(values)
    proto.ClearField("tensor_content")
    for value in values.ravel():
        for field, content in tf.make_tensor_proto(value).ListFields():
            if field.name.endswith("_val"):
                getattr(proto, field.name).extend(content)
    np.testing.assert_array_equal(to_array(proto), values)


@pytest.mark.parametrize("dtype", [tf.resource, tf.variant, tf.complex64, tf.qint8])
def test_dtypes_that_no_signature_has_are_refused(dtype):
    with pytest.raises(MalformedTensorError, match=f"dtype {dtype.name} cannot be sent"):
        to_array(tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum))


def test_a_shape_of_a_million_dimensions_is_refused_at_once():
    proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum)
    proto.tensor_shape.dim.extend([proto.tensor_shape.Dim(size=2**62)] * 1_000_000)
    with pytest.raises(MalformedTensorError, match="1000000 dimensions"):
        to_array(proto)


@pytest.mark.parametrize("dtype", [*DTYPES, "int8", "int16", "uint16", "uint32", "bfloat16", "bytes"])
def test_every_dtype_is_that_of_tensorflow(dtype):
    values = np.array([[b"a", b""]], object) if dtype == "bytes" else np.array([[0, 1]]).astype(dtype)
    written = tf.make_tensor_proto(values)
    assert to_proto(values).dtype == written.dtype
    np.testing.assert_array_equal(tf.make_ndarray(to_proto(values)), values)
    np.testing.assert_array_equal(to_array(written), values)


def test_a_scalar_has_a_shape_of_no_dimension():
    assert to_proto(np.float32(2)).HasField("tensor_shape")
    assert to_array(to_proto(np.float32(2))) == 2


def test_the_order_of_bytes_is_that_of_the_message():
    np.testing.assert_array_equal(tf.make_ndarray(to_proto(np.array([1, 2], ">f4"))), [1, 2])


def test_writing_replaces_what_was_there():
    request = PredictRequest()
    for array in (np.zeros((2, 3), np.float32), np.array([b"x"], object), np.ones(2, np.int32)):
        write_tensor(request.inputs["x"], array)
    assert to_array(request.inputs["x"]).tolist() == [1, 1]


def test_numbers_beyond_their_dtype_are_malformed():
    proto = tensor_pb2.TensorProto(dtype=tf.uint8.as_datatype_enum, int_val=[300])
    proto.tensor_shape.dim.add(size=1)
    with pytest.raises(MalformedTensorError, match="cannot be read as uint8"):
        to_array(proto)


@pytest.mark.parametrize("array", [np.array(["text"]), np.zeros(1, np.complex64), np.array(["2026-01-01"], "M8[D]")])
def test_arrays_that_cannot_be_sent_are_refused(array):
    with pytest.raises(TypeError, match="only numbers and bytes can be sent"):
        to_proto(array)
