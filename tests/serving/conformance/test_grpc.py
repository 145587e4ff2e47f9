"""TensorFlow Serving's gRPC API, called with plain stubs."""

import struct
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from data_pipeline.audio import g711
from tests.serving.conformance.repository import MODEL
from tests.serving.predict_request import predict_request
from tests.voice import voice

CODE = grpc.StatusCode
EMOTIONS = [b"anger", b"disgust", b"fear", b"happiness", b"neutral", b"sadness"]


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def model_stub(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def make_request(inputs, *, model=MODEL, **options):
    return predict_request(inputs, model=model, **options)


def rows(*waveforms):
    """Waveforms as one batch, padded with ones."""
    padded = np.ones((len(waveforms), max(map(len, waveforms))), np.float32)
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return {"waveform": padded, "num_samples": np.array([len(waveform) for waveform in waveforms], np.int32)}


def ask(stub, inputs, **options):
    response = stub.Predict(make_request(inputs, **options), timeout=60)
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def code_of(call, request):
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=60)
    return caught.value.code()


def wav(waveform, sample_rate=16_000):
    pcm = (np.clip(waveform, -1, 1) * 32_767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(pcm)) + pcm
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


class TestAnswers:
    def test_probabilities_and_the_emotion_that_they_name(self, stub, waveforms):
        answer = ask(stub, rows(*waveforms[:3]))
        assert answer["probabilities"].shape == (3, 6)
        np.testing.assert_allclose(answer["probabilities"].sum(axis=1), 1, atol=1e-5)
        assert answer["emotion"].tolist() == [EMOTIONS[index] for index in answer["probabilities"].argmax(axis=1)]
        np.testing.assert_array_equal(answer["confidence"], answer["probabilities"].max(axis=1))
        assert answer["status"].tolist() == [0, 0, 0]

    def test_numbers_are_packed_as_tensor_content(self, stub, waveforms):
        outputs = stub.Predict(make_request(rows(waveforms[0])), timeout=60).outputs
        assert len(outputs["probabilities"].tensor_content) == 6 * 4
        assert len(outputs["emotion"].string_val) == 1

    def test_values_may_be_spelled_out(self, stub, waveforms):
        inputs = rows(waveforms[0])
        request = make_request(inputs)
        tensor = request.inputs["waveform"]
        tensor.ClearField("tensor_content")
        tensor.float_val.extend(inputs["waveform"].ravel())
        outputs = stub.Predict(request, timeout=60).outputs
        expected = ask(stub, inputs)["probabilities"]
        np.testing.assert_allclose(tf.make_ndarray(outputs["probabilities"]), expected, atol=1e-5)

    def test_a_filter_picks_outputs(self, stub, waveforms):
        assert set(ask(stub, rows(waveforms[0]), output_filter=["emotion", "status"])) == {"emotion", "status"}
        assert set(ask(stub, rows(waveforms[0]), output_filter=["confidence"])) == {"confidence"}

    def test_wav_files(self, stub, waveforms):
        files = np.array([wav(waveforms[0]), b"no WAV", wav(waveforms[1])], object)
        answer = ask(stub, {"audio": files}, signature="wav_bytes")
        assert answer["status"].tolist() == [0, 4, 0]
        assert answer["emotion"][1] == b""
        assert answer["finding"].tolist() == [0, 0, 0]
        np.testing.assert_allclose(
            answer["probabilities"][0], ask(stub, rows(waveforms[0]))["probabilities"][0], atol=0.02
        )

    def test_mulaw(self, stub):
        call = g711.encode(np.round(voice(rate=8_000) * 32_767).astype(np.int16), "mulaw").tobytes()
        answer = ask(stub, {"audio": np.array([call, b""], object)}, signature="mulaw_bytes")
        assert answer["status"].tolist() == [0, 1]

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_row_that_cannot_be_judged_fails_alone(self, stub, waveforms, bad):
        spoilt = waveforms[1].copy()
        spoilt[100] = bad
        answer = ask(stub, rows(waveforms[0], spoilt, waveforms[2]))
        assert answer["status"].tolist() == [0, 3, 0]
        assert answer["probabilities"][1].tolist() == [0] * 6
        assert np.isfinite(answer["probabilities"]).all()

    def test_calls_at_the_same_time_get_what_each_gets_alone(self, stub, waveforms):
        alone = [ask(stub, rows(waveform))["probabilities"] for waveform in waveforms]
        distances = np.abs(np.array(alone)[:, None] - np.array(alone)).max(axis=(-1, -2))
        assert distances[~np.eye(len(alone), dtype=bool)].min() > 1e-5, "otherwise wrong rows would go unnoticed"
        with ThreadPoolExecutor(len(waveforms)) as threads:
            for _ in range(3):
                together = threads.map(lambda waveform: ask(stub, rows(waveform))["probabilities"], waveforms)
                np.testing.assert_allclose(list(together), alone, rtol=0, atol=1e-4)


class TestVersions:
    @pytest.mark.parametrize(
        ("choice", "version"),
        [({}, 2), ({"version": 1}, 1), ({"version": 2}, 2), ({"label": "stable"}, 1), ({"label": "canary"}, 2)],
    )
    def test_the_one_that_is_meant_answers(self, stub, waveforms, choice, version):
        response = stub.Predict(make_request(rows(waveforms[0]), **choice), timeout=60)
        assert (response.model_spec.name, response.model_spec.version.value) == (MODEL, version)
        assert response.model_spec.signature_name == "serving_default"

    @pytest.mark.parametrize(
        ("choice", "code"),
        [
            ({"model": "nobody"}, CODE.NOT_FOUND),
            ({"version": 99}, CODE.NOT_FOUND),
            ({"model": ""}, CODE.INVALID_ARGUMENT),
            ({"label": "unheard"}, CODE.INVALID_ARGUMENT),
            ({"signature": "unheard"}, CODE.FAILED_PRECONDITION),
        ],
    )
    def test_unknown_ones_are_refused(self, stub, waveforms, choice, code):
        assert code_of(stub.Predict, make_request(rows(waveforms[0]), **choice)) == code


class TestWrongInputs:
    @pytest.mark.parametrize(
        "change",
        [
            {"num_samples": None},
            {"extra": np.zeros(1, np.float32)},
            {"waveform": np.zeros((1, 800), np.float64)},
            {"waveform": np.zeros(800, np.float32)},
            {"num_samples": np.zeros((1, 1), np.int32)},
            {"num_samples": np.zeros(3, np.int32)},
        ],
    )
    def test_names_dtypes_ranks_and_batches_are_checked(self, stub, change):
        good = {"waveform": np.zeros((1, 800), np.float32), "num_samples": np.array([800], np.int32)}
        inputs = {name: value for name, value in {**good, **change}.items() if value is not None}
        assert code_of(stub.Predict, make_request(inputs)) == CODE.INVALID_ARGUMENT

    def test_outputs_that_there_are_not(self, stub, waveforms):
        request = make_request(rows(waveforms[0]), output_filter=["logits"])
        assert code_of(stub.Predict, request) == CODE.INVALID_ARGUMENT

    def test_more_rows_than_a_batch_holds(self, stub):
        assert code_of(stub.Predict, make_request(rows(*[np.zeros(200)] * 33))) == CODE.INVALID_ARGUMENT


class TestModels:
    def test_status(self, model_stub):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = MODEL
        response = model_stub.GetModelStatus(request, timeout=60)
        available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        assert {status.version: status.state for status in response.model_version_status} == {
            1: available,
            2: available,
        }
        request.model_spec.version.value = 1
        assert [status.version for status in model_stub.GetModelStatus(request, timeout=60).model_version_status] == [1]

    def test_status_of_unknown_ones(self, model_stub):
        request = get_model_status_pb2.GetModelStatusRequest()
        assert code_of(model_stub.GetModelStatus, request) == CODE.INVALID_ARGUMENT
        request.model_spec.name = "nobody"
        assert code_of(model_stub.GetModelStatus, request) == CODE.NOT_FOUND

    def test_metadata(self, stub):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = MODEL
        response = stub.GetModelMetadata(request, timeout=60)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(signatures)
        assert {"serving_default", "wav_bytes", "mulaw_bytes"} <= set(signatures.signature_def)
        assert response.model_spec.version.value == 2

    @pytest.mark.parametrize(
        ("name", "fields", "code"),
        [
            ("nobody", ["signature_def"], CODE.NOT_FOUND),
            (MODEL, [], CODE.INVALID_ARGUMENT),
            (MODEL, ["weather"], CODE.INVALID_ARGUMENT),
        ],
    )
    def test_metadata_that_there_is_not(self, stub, name, fields, code):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        request.model_spec.name = name
        assert code_of(stub.GetModelMetadata, request) == code

    def test_an_empty_reload_request_is_refused(self, model_stub):
        request = model_management_pb2.ReloadConfigRequest()
        assert code_of(model_stub.HandleReloadConfigRequest, request) == CODE.INVALID_ARGUMENT
