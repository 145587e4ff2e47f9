"""A client that does not use this project calls `ser serve`, which serves an exported MobileNet in a separate process.

The client uses only grpc and tensorflow_serving.apis, not even TensorFlow's functions for packing tensors.
"""

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.serving.server.ser_serve import ser_serve

DT_FLOAT, DT_INT32 = 1, 3  # tensorflow/core/framework/types.proto


@pytest.fixture(scope="module")
def channel(mobilenet_version):
    with ser_serve(mobilenet_version.parent.parent) as (_, address, _), grpc.insecure_channel(address) as opened:
        yield opened


@pytest.fixture(scope="module")
def expected(mobilenet, clips):
    """The Keras model's probabilities for each clip, in this process."""
    answers = [mobilenet(clip[np.newaxis], np.array([clip.size], np.int32)) for clip in clips]
    return np.concatenate(answers)


def ask(channel, waveform, num_samples):
    """The outputs as arrays, and the model specification of the response."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "ser"
    request.model_spec.signature_name = "serving_default"
    pack(request.inputs["waveform"], DT_FLOAT, np.asarray(waveform, "<f4"))
    pack(request.inputs["num_samples"], DT_INT32, np.asarray(num_samples, "<i4"))
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60)
    return {name: unpack(tensor) for name, tensor in response.outputs.items()}, response.model_spec


def pack(tensor, dtype, array):
    tensor.dtype = dtype
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = array.tobytes()


def unpack(tensor):
    shape = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.string_val:
        return np.array(tensor.string_val, object).reshape(shape)
    return np.frombuffer(tensor.tensor_content, {DT_FLOAT: "<f4", DT_INT32: "<i4"}[tensor.dtype]).reshape(shape)


def test_no_two_clips_have_the_same_answer(expected):
    """Otherwise the tests would not notice exchanged rows."""
    distances = np.abs(expected[:, np.newaxis] - expected).max(axis=-1)
    assert distances[~np.eye(len(expected), dtype=bool)].min() > 1e-3


def test_one_clip_is_answered_as_by_the_keras_model_in_process(channel, mobilenet, expected, clips):
    for clip, wanted in zip(clips[:3], expected[:3], strict=True):
        outputs, model_spec = ask(channel, clip[np.newaxis], [clip.size])
        np.testing.assert_allclose(outputs["probabilities"], wanted[np.newaxis], rtol=0, atol=1e-4)
        assert outputs["emotion"][0].decode() == mobilenet.labels[wanted.argmax()]
        assert outputs["confidence"][0] == pytest.approx(wanted.max(), abs=1e-4)
        assert outputs["status"].tolist() == [0]
        assert (model_spec.name, model_spec.version.value) == ("ser", 1)
        assert model_spec.signature_name == "serving_default"


@pytest.mark.parametrize("padding", ["zeros", "ones", "first element", "noise", "huge", "nan"])
def test_ten_padded_clips_are_answered_as_each_alone(channel, expected, clips, padding):
    batch = np.empty((10, max(clip.size for clip in clips) + 5_000), np.float32)
    batch[:] = {
        "zeros": 0,
        "ones": 1,
        "first element": clips[0][0],  # as TensorFlow Serving pads
        "noise": np.random.default_rng(1).uniform(-1, 1, batch.shape),
        "huge": 1e30,
        "nan": np.nan,
    }[padding]
    for row, clip in zip(batch, clips, strict=True):
        row[: clip.size] = clip
    outputs, _ = ask(channel, batch, [clip.size for clip in clips])
    assert outputs["status"].tolist() == [0] * 10
    np.testing.assert_allclose(outputs["probabilities"], expected, rtol=0, atol=1e-4)


def test_metadata_says_what_to_send(channel):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "ser"
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).GetModelMetadata(request, timeout=30)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "wav_bytes", "mulaw_bytes"} <= set(signatures.signature_def)
    inputs = signatures.signature_def["serving_default"].inputs
    assert inputs["waveform"].dtype == DT_FLOAT
    assert [dimension.size for dimension in inputs["waveform"].tensor_shape.dim] == [-1, -1]
    assert inputs["num_samples"].dtype == DT_INT32
    assert (response.model_spec.name, response.model_spec.version.value) == ("ser", 1)


def test_status_says_that_the_newest_version_is_available(channel):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "ser"
    response = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=30)
    [status] = response.model_version_status
    assert (status.version, status.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert status.status.error_code == 0
