"""What a stranger to this project gets: the client side is grpc and tensorflow_serving.apis alone."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.address) as opened:
        yield opened


def ask(channel, waveform, num_samples):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "ser"
    request.model_spec.signature_name = "serving_default"
    request.inputs["waveform"].CopyFrom(tf.make_tensor_proto(waveform, dtype=tf.float32))
    request.inputs["num_samples"].CopyFrom(tf.make_tensor_proto(num_samples, dtype=tf.int32))
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=30)
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}, response.model_spec


def in_process(recogniser, clip):
    return recogniser(clip[np.newaxis], np.array([clip.size], np.int32)).numpy()[0]


def test_the_clips_tell_answers_apart(tiny_recogniser, clips):
    answers = np.stack([in_process(tiny_recogniser, clip) for clip in clips])
    assert np.ptp(answers, axis=0).max() > 0.2
    assert len(set(answers.argmax(axis=1))) > 1


def test_one_clip_is_answered_as_in_process(channel, tiny_recogniser, clips):
    for clip in clips[:3]:
        outputs, model_spec = ask(channel, clip[np.newaxis], [clip.size])
        expected = in_process(tiny_recogniser, clip)
        np.testing.assert_allclose(outputs["probabilities"][0], expected, atol=1e-4)
        assert outputs["emotion"][0].decode() == tiny_recogniser.labels[expected.argmax()]
        assert outputs["confidence"][0] == pytest.approx(expected.max(), abs=1e-4)
        assert outputs["status"].tolist() == [0]
        assert (model_spec.name, model_spec.version.value) == ("ser", 2)
        assert model_spec.signature_name == "serving_default"


@pytest.mark.parametrize("padding", [0.0, 1.0, "first element", "noise", "huge", "nan"])
def test_ten_padded_clips_are_answered_as_each_alone(channel, tiny_recogniser, clips, padding):
    longest = max(clip.size for clip in clips) + 5_000
    batch = np.empty((10, longest), np.float32)
    batch[:] = {
        "first element": clips[0][0],
        "noise": np.random.default_rng(1).uniform(-1, 1, (10, longest)),
        "huge": 1e30,
        "nan": np.nan,
    }.get(padding, padding)
    for row, clip in zip(batch, clips, strict=True):
        row[: clip.size] = clip
    outputs, _ = ask(channel, batch, [clip.size for clip in clips])
    expected = np.stack([in_process(tiny_recogniser, clip) for clip in clips])
    assert outputs["status"].tolist() == [0] * 10
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-4)


def test_metadata_says_what_to_send(channel):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "ser"
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).GetModelMetadata(request, timeout=30)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "wav_bytes", "mulaw_bytes"} <= set(signatures.signature_def)
    inputs = signatures.signature_def["serving_default"].inputs
    assert inputs["waveform"].dtype == tf.float32.as_datatype_enum
    assert [dimension.size for dimension in inputs["waveform"].tensor_shape.dim] == [-1, -1]
    assert inputs["num_samples"].dtype == tf.int32.as_datatype_enum
    assert (response.model_spec.name, response.model_spec.version.value) == ("ser", 2)


def test_status_says_that_the_newest_version_is_available(channel):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "ser"
    response = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=30)
    [status] = response.model_version_status
    assert (status.version, status.state) == (2, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert status.status.error_code == 0
