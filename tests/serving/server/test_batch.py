"""Batches as in TensorFlow Serving: tensors are padded with their first element, and batches with the first row of the
last call.
"""

import grpc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving.server.batch import merge_inputs, split_outputs
from serving.server.request_error import RequestError

FLOATS = st.floats(-1, 1, width=32)
TENSORS = arrays.arrays(np.float32, st.tuples(*[st.integers(1, 4)] * 3), elements=FLOATS)


def test_rows_are_padded_with_their_own_tensors_first_element():
    short = np.array([[3.0, 1.0], [4.0, 2.0]], np.float32)
    long = np.array([[5.0, 6.0, 7.0, 8.0]], np.float32)
    merged = merge_inputs([{"x": short}, {"x": long}], 3)["x"]
    assert merged.tolist() == [[3, 1, 3, 3], [4, 2, 3, 3], [5, 6, 7, 8]]


def test_missing_rows_repeat_the_first_row_of_the_last_call():
    calls = [{"x": np.array([1])}, {"x": np.array([2, 3])}]
    assert merge_inputs(calls, 8)["x"].tolist() == [1, 2, 3, 2, 2, 2, 2, 2]


def test_strings_stay_what_they_are():
    calls = [{"x": np.array([b"a", b""], object)}, {"x": np.array([b"\0c"], object)}]
    assert merge_inputs(calls, 4)["x"].tolist() == [b"a", b"", b"\0c", b"\0c"]


def test_a_call_alone_is_not_copied():
    waveform = np.ones((2, 3), np.float32)
    assert merge_inputs([{"x": waveform}], 2)["x"] is waveform


@given(st.lists(TENSORS, min_size=1, max_size=4), st.integers(0, 5))
def test_every_call_gets_its_own_rows_back(tensors, extra):
    sizes = [len(tensor) for tensor in tensors]
    rows = sum(sizes) + extra
    merged = merge_inputs([{"x": tensor} for tensor in tensors], rows)
    assert merged["x"].shape == (rows, *np.max([tensor.shape[1:] for tensor in tensors], axis=0))
    for tensor, part in zip(tensors, split_outputs(merged, sizes, rows), strict=True):
        inside = part["x"][:, : tensor.shape[1], : tensor.shape[2]]
        np.testing.assert_array_equal(inside, tensor)
        padding = np.ones(part["x"].shape, bool)
        padding[:, : tensor.shape[1], : tensor.shape[2]] = False
        assert (part["x"][padding] == tensor.flat[0]).all()
    last = split_outputs(merged, [*sizes, extra], rows)[-2]["x"][:1]
    np.testing.assert_array_equal(merged["x"][sum(sizes) :], np.repeat(last, extra, axis=0))


@pytest.mark.parametrize("output", [np.float32(1), np.zeros(3), np.zeros((1, 4))])
def test_an_output_that_is_no_batch_is_refused(output):
    with pytest.raises(RequestError, match="0th dimension") as refused:
        split_outputs({"x": np.asarray(output)}, [1, 1], 2)
    assert refused.value.code == grpc.StatusCode.FAILED_PRECONDITION
