"""Conversion of tensors in every encoding that TensorFlow writes."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorflow.core.framework import tensor_pb2

from serving.tensors import MalformedTensorError, to_answer_proto, to_array, to_proto

DTYPES = ["float32", "float64", "float16", "int32", "int64", "uint8", "uint64", "bool"]

numbers = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


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
    proto = to_answer_proto(array)
    for field, _ in proto.ListFields():
        if field.name == forgotten or (forgotten == "values" and field.name.endswith("_val")):
            proto.ClearField(field.name)
    received = tf.make_ndarray(proto)
    assert received.dtype == array.dtype
    np.testing.assert_array_equal(received, array)


def test_a_large_answer_is_not_sent_twice():
    assert len(to_answer_proto(np.zeros(1_000_000, np.float32)).SerializeToString()) < 4_001_000


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
