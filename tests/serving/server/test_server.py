"""The model server from the view of its callers and its operator."""

import re
import signal
import socket
import struct
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from data_pipeline.errors import UserError
from serving.server.local_server import LocalServer, ServerSettings
from serving.status import RowStatus
from serving.tensors import MAX_MESSAGE_BYTES, to_array
from tests.serving.predict_request import predict_request
from tests.serving.server.ser_serve import ser_serve
from tests.voice import voice, voices

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.address) as opened:
        yield opened


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def model_stub(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def make_request(inputs=None, *, model="ser", **options):
    return predict_request(good_inputs() if inputs is None else inputs, model=model, **options)


def good_inputs():
    return {"waveform": voices(1, 4_800), "num_samples": np.array([4_800], np.int32)}


def ask(stub, *args, **kwargs):
    response = stub.Predict(make_request(*args, **kwargs), timeout=30)
    return {name: to_array(tensor) for name, tensor in response.outputs.items()}


def refusal(call, request):
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=30)
    return caught.value.code(), caught.value.details()


def wav(samples, sample_rate=16_000):
    pcm = (np.asarray(samples) * 32_767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(pcm)) + pcm
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


class TestWhichModel:
    @pytest.mark.parametrize(
        ("choice", "code", "sentence"),
        [
            ({"model": "foo"}, grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(foo)"),
            ({"version": 3}, grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(ser, 3)"),
            ({"version": 1}, grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(ser, 1)"),
            ({"model": ""}, INVALID, "ModelSpec has no name specified."),
            ({"label": "stable"}, INVALID, "Unrecognized servable version label: stable"),
            ({"signature": "foo"}, grpc.StatusCode.FAILED_PRECONDITION, 'Serving signature key "foo" not found'),
        ],
    )
    def test_unknown_ones_are_refused(self, stub, choice, code, sentence):
        received, details = refusal(stub.Predict, make_request(**choice))
        assert received == code
        assert sentence in details

    def test_the_version_asked_for_answers(self, stub):
        response = stub.Predict(make_request(version=2), timeout=30)
        assert response.model_spec.version.value == 2

    def test_a_name_of_a_megabyte_is_refused_like_any_other(self, stub):
        code, details = refusal(stub.Predict, make_request(model="é" * 500_000))
        assert code == grpc.StatusCode.NOT_FOUND
        assert details.startswith("Servable not found for request: Latest(é")

    def test_status_of_unknown_ones_is_refused(self, model_stub):
        request = get_model_status_pb2.GetModelStatusRequest()
        assert refusal(model_stub.GetModelStatus, request) == (INVALID, "Missing ModelSpec")
        request.model_spec.name = "foo"
        expected = (grpc.StatusCode.NOT_FOUND, "Could not find any versions of model foo")
        assert refusal(model_stub.GetModelStatus, request) == expected
        request.model_spec.name = "ser"
        request.model_spec.version.value = 9
        expected = (grpc.StatusCode.NOT_FOUND, "Could not find version 9 of model ser")
        assert refusal(model_stub.GetModelStatus, request) == expected

    def test_metadata_of_unknown_ones_is_refused(self, stub):
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        assert refusal(stub.GetModelMetadata, request) == (INVALID, "Missing ModelSpec")
        request.model_spec.name = "foo"
        assert "at least one metadata_field" in refusal(stub.GetModelMetadata, request)[1]
        request.metadata_field.append("signature_def")
        assert refusal(stub.GetModelMetadata, request)[0] == grpc.StatusCode.NOT_FOUND
        request.metadata_field.append("weather")
        assert refusal(stub.GetModelMetadata, request)[0] == INVALID


class TestInputs:
    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"num_samples": None}, "Missing but required: {num_samples}"),
            ({"spectrogram": np.zeros(3, np.float32)}, "Sent extra: {spectrogram}"),
            (
                {"waveform": None, "wave": np.zeros((1, 800), np.float32)},
                "Sent extra: {wave}. Missing but required: {waveform}",
            ),
            (
                {"waveform": np.zeros((1, 800), np.float64)},
                "input waveform: expected float32 [?, ?], received dtype float64",
            ),
            ({"waveform": np.array([b"RIFF"], object)}, "received dtype string"),
            (
                {"num_samples": np.array([800], np.int64)},
                "input num_samples: expected int32 [?], received dtype int64",
            ),
            ({"waveform": np.zeros(800, np.float32)}, "expected float32 [?, ?], received shape [800]"),
            ({"waveform": np.zeros((1, 800, 1), np.float32)}, "received shape [1, 800, 1]"),
            ({"num_samples": np.array(800, np.int32)}, "expected int32 [?], received shape []"),
            (
                {"num_samples": np.array([800] * 3, np.int32)},
                "equal 0th-dimension size: num_samples has 3, waveform has 1",
            ),
        ],
    )
    def test_wrong_names_dtypes_and_shapes_are_refused(self, stub, change, sentence):
        inputs = {name: value for name, value in {**good_inputs(), **change}.items() if value is not None}
        code, details = refusal(stub.Predict, make_request(inputs))
        assert code == INVALID
        assert sentence in details

    @pytest.mark.parametrize(
        ("sizes", "fields", "sentence"),
        [
            (
                [1, 800],
                {"tensor_content": b"\0" * 3_199},
                "holds 3199 bytes where float32 [1, 800] takes 3200",
            ),
            ([1, 800], {"tensor_content": b"\0" * 3_201}, "holds 3201 bytes"),
            ([1, 800], {}, "holds 0 values where its shape [1, 800] takes 800"),
            ([1, 2], {"float_val": [0.0] * 3}, "holds 3 values where its shape [1, 2] takes 2"),
            ([1, 2], {"int_val": [0, 0]}, "holds 0 values"),
            ([1, -2], {"float_val": [0.0]}, "negative dimension"),
            ([1, 10**12], {"float_val": [0.0]}, "more than the"),
            ([2**62, 2**62], {"float_val": [0.0]}, "more than the"),
        ],
    )
    def test_tensors_that_contradict_themselves_are_refused(self, stub, sizes, fields, sentence):
        proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, **fields)
        for size in sizes:
            proto.tensor_shape.dim.add(size=size)
        code, details = refusal(stub.Predict, make_request({**good_inputs(), "waveform": proto}))
        assert code == INVALID
        assert "input waveform: " in details
        assert sentence in details

    def test_a_tensor_of_unknown_rank_is_refused(self, stub):
        proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=[0.0])
        proto.tensor_shape.unknown_rank = True
        code, details = refusal(stub.Predict, make_request({**good_inputs(), "waveform": proto}))
        assert (code, details) == (INVALID, "input waveform: its shape has no known rank")

    def test_one_value_may_stand_for_many(self, stub):
        inputs = good_inputs()
        inputs["waveform"][:, 4_000:] = 0.25
        proto = tensor_pb2.TensorProto(
            dtype=tf.float32.as_datatype_enum,
            tensor_shape=tf.TensorShape([1, 4_800]).as_proto(),
            float_val=inputs["waveform"][0, :4_001],
        )
        answer = ask(stub, {**inputs, "waveform": proto})
        assert answer["status"].tolist() == [0]
        np.testing.assert_array_equal(answer["probabilities"], ask(stub, inputs)["probabilities"])

    def test_strings_that_unfold_to_too_much_are_refused(self, stub):
        proto = tensor_pb2.TensorProto(dtype=tf.string.as_datatype_enum, string_val=[b"x" * 1_000])
        proto.tensor_shape.dim.add(size=MAX_MESSAGE_BYTES // 1_000 + 1)
        code, details = refusal(stub.Predict, make_request({"audio": proto}, signature="wav_bytes"))
        assert code == INVALID
        assert "more than the" in details

    def test_a_message_over_the_limit_is_refused_and_one_over_grpcs_own_is_not(self, server):
        options = [("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(server.address, options=options) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            large = np.array([b"x" * 5 * 2**20], object)
            assert ask(stub, {"audio": large}, signature="wav_bytes")["status"] == [RowStatus.NOT_WAV]
            larger = np.array([b"x" * (MAX_MESSAGE_BYTES + 1)], object)
            code, _ = refusal(stub.Predict, make_request({"audio": larger}, signature="wav_bytes"))
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        dtype=st.sampled_from([0, 1, 2, 3, 7, 14, 23, 101, 999]),
        sizes=st.lists(st.sampled_from([-1, 0, 1, 2, 5, 2**31, 2**62]), max_size=4),
        floats=st.lists(st.floats(width=32), max_size=12),
        integers=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
        strings=st.lists(st.binary(max_size=20), max_size=3),
        content=st.binary(max_size=40),
        signature=st.sampled_from(["serving_default", "wav_bytes", "mulaw_bytes", "__saved_model_init_op"]),
    )
    def test_whatever_is_sent_is_answered_or_refused(
        self, stub, dtype, sizes, floats, integers, strings, content, signature
    ):
        proto = tensor_pb2.TensorProto(
            dtype=dtype, float_val=floats, int_val=integers, string_val=strings, tensor_content=content
        )
        for size in sizes:
            proto.tensor_shape.dim.add(size=size)
        name = "waveform" if signature == "serving_default" else "audio"
        inputs = {**good_inputs(), name: proto} if signature == "serving_default" else {name: proto}
        try:
            answer = ask(stub, inputs, signature=signature)
        except grpc.RpcError as error:
            outcome = error.code()
        else:
            outcome = bool(np.isfinite(answer["probabilities"]).all())
        # The initialiser stands among the SavedModel's signatures, but nobody may call it.
        internal = signature == "__saved_model_init_op"
        assert outcome in ({grpc.StatusCode.FAILED_PRECONDITION} if internal else {True, INVALID})


class TestOutputs:
    def test_all_come_as_tensor_content(self, stub):
        outputs = stub.Predict(make_request(), timeout=30).outputs
        assert sorted(outputs) == ["confidence", "emotion", "finding", "labels", "probabilities", "status"]
        assert len(outputs["probabilities"].tensor_content) == 6 * 4
        assert len(outputs["confidence"].tensor_content) == 4
        assert len(outputs["finding"].tensor_content) == 4
        assert len(outputs["emotion"].string_val) == 1

    def test_a_filter_picks_them(self, stub):
        assert sorted(ask(stub, output_filter=["emotion", "status"])) == ["emotion", "status"]

    @pytest.mark.parametrize("output_filter", [["logits"], ["emotion", "emotion"]])
    def test_a_filter_that_cannot_be_met_is_refused(self, stub, output_filter):
        code, details = refusal(stub.Predict, make_request(output_filter=output_filter))
        assert code == INVALID
        assert "output tensor alias" in details


class TestRowsOfABatch:
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_row_of_nan_fails_alone(self, stub, bad):
        waveform = voices(3, 4_800)
        num_samples = np.array([4_800, 4_800, 2_700], np.int32)
        good = ask(stub, {"waveform": waveform, "num_samples": num_samples})
        waveform[1] = bad
        mixed = ask(stub, {"waveform": waveform, "num_samples": num_samples})
        assert good["status"].tolist() == [0, 0, 0]
        assert mixed["status"].tolist() == [0, RowStatus.NOT_FINITE, 0]
        assert mixed["probabilities"][1].tolist() == [0.0] * 6
        assert mixed["emotion"][1] == b""
        for name in ("probabilities", "emotion", "confidence"):
            np.testing.assert_array_equal(mixed[name][[0, 2]], good[name][[0, 2]])

    @pytest.mark.parametrize("broken", [b"", b"this is text", wav(voice(0.3))[:40], b"RIFF"])
    def test_a_broken_wav_fails_alone(self, stub, broken):
        files = [wav(row) for row in voices(3, 4_800)]
        good = ask(stub, {"audio": np.array(files, object)}, signature="wav_bytes")
        files[1] = broken
        mixed = ask(stub, {"audio": np.array(files, object)}, signature="wav_bytes")
        assert good["status"].tolist() == [0, 0, 0]
        assert mixed["status"][1] != 0
        assert mixed["status"][[0, 2]].tolist() == [0, 0]
        np.testing.assert_allclose(mixed["probabilities"][[0, 2]], good["probabilities"][[0, 2]], atol=1e-6)

    def test_an_empty_batch_is_answered_with_one(self, stub):
        inputs = {"waveform": np.zeros((0, 800), np.float32), "num_samples": np.zeros(0, np.int32)}
        assert ask(stub, inputs)["probabilities"].shape == (0, 6)


@pytest.mark.parametrize(
    ("method", "request_message"),
    [
        ("Classify", classification_pb2.ClassificationRequest()),
        ("Regress", regression_pb2.RegressionRequest()),
        ("MultiInference", inference_pb2.MultiInferenceRequest()),
    ],
)
def test_other_predictions_are_unimplemented(stub, method, request_message):
    code, details = refusal(getattr(stub, method), request_message)
    assert code == grpc.StatusCode.UNIMPLEMENTED
    assert "Predict" in details


@pytest.fixture
def repository(models, tmp_path) -> Path:
    """A repository with the same two versions of `ser` and nothing else, which a test may change."""
    folder = tmp_path / "repository"
    (folder / "ser").mkdir(parents=True)
    for version in ("1", "2"):
        (folder / "ser" / version).symlink_to(models / "ser" / version)
    return folder


def served(repository) -> dict:
    with LocalServer.start(repository, port=0) as server:
        return dict(server.models)


def config(repository, text):
    (repository / "models.config").write_text(f"model_config_list {{ {text} }}")


class TestWhatIsServed:
    def test_without_a_configuration_the_newest_version_of_each_folder(self, repository, models):
        (repository / "other").mkdir()
        (repository / "other" / "7").symlink_to(models / "ser" / "1")
        (repository / "notes").mkdir()
        assert served(repository) == {"other": (7,), "ser": (2,)}

    @pytest.mark.parametrize(
        ("policy", "versions"),
        [
            ("", (2,)),
            ("model_version_policy { latest { num_versions: 2 } }", (1, 2)),
            ("model_version_policy { all {} }", (1, 2)),
            ("model_version_policy { specific { versions: 1 } }", (1,)),
        ],
    )
    def test_the_versions_that_the_policy_picks(self, repository, policy, versions):
        config(
            repository,
            f'config {{ name: "voice" base_path: "/models/ser" model_platform: "tensorflow" {policy} }}',
        )
        assert served(repository) == {"voice": versions}

    def test_labels_stand_for_versions(self, repository):
        config(
            repository,
            'config { name: "ser" base_path: "/models/ser" model_version_policy { all {} } '
            'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 } }',
        )
        with (
            LocalServer.start(repository, port=0) as server,
            grpc.insecure_channel(server.address) as channel,
        ):
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            for label, version in (("stable", 1), ("canary", 2)):
                response = stub.Predict(make_request(label=label), timeout=30)
                assert response.model_spec.version.value == version
            assert stub.Predict(make_request(), timeout=30).model_spec.version.value == 2

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ('config { name: "ser" base_path: "/models/gone" }', "gone"),
            ('config { name: "a" base_path: "/models/ser" } ' * 2, "lists a model twice"),
            (
                'config { name: "ser" base_path: "/models/ser" version_labels { key: "stable" value: 1 } }',
                "gives the label stable to version 1 of ser, which is not served",
            ),
            (
                'config { name: "ser" base_path: "/models/ser" model_version_policy { specific { versions: 5 } } }',
                "asks for version 5 of ser, which is not in the repository: choose from 1, 2",
            ),
            ("", "holds no model"),
        ],
    )
    def test_a_configuration_that_cannot_be_met_is_an_error(self, repository, text, sentence):
        config(repository, text)
        with pytest.raises(UserError, match=sentence):
            LocalServer.start(repository, port=0)


class TestRepositoriesThatCannotBeServed:
    def test_missing(self, tmp_path):
        with pytest.raises(UserError, match=r"there is no folder .*nowhere: .*ser export"):
            LocalServer.start(tmp_path / "nowhere", port=0)

    @pytest.mark.parametrize("folder", ["", "ser", "ser/1", "notes/attic"])
    def test_without_models(self, tmp_path, folder):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        expected = (
            f"{tmp_path} holds no model (<name>/<version>/saved_model.pb): export one with `ser export RUN {tmp_path}`"
        )
        with pytest.raises(UserError, match=f"^{re.escape(expected)}$"):
            LocalServer.start(tmp_path, port=0)

    def test_a_model_without_versions_beside_others(self, repository):
        (repository / "torn" / "1").mkdir(parents=True)
        with pytest.raises(UserError, match=r"torn has no version .*ser export"):
            LocalServer.start(repository, port=0)

    def test_the_folder_of_one_model(self, models):
        with pytest.raises(UserError, match=r"is the folder of one model"):
            LocalServer.start(models / "ser", port=0)

    def test_a_damaged_model(self, tmp_path):
        (tmp_path / "ser" / "1").mkdir(parents=True)
        (tmp_path / "ser" / "1" / "saved_model.pb").write_bytes(b"\xff\xff\xff not a model")
        with pytest.raises(UserError, match=r"saved_model.pb is damaged"):
            LocalServer.start(tmp_path, port=0)

    def test_a_model_without_its_weights(self, models, tmp_path):
        version = tmp_path / "ser" / "1"
        version.mkdir(parents=True)
        (version / "saved_model.pb").symlink_to(models / "ser" / "1" / "saved_model.pb")
        with pytest.raises(UserError, match=r"cannot be loaded .*export it again"):
            LocalServer.start(tmp_path, port=0)

    @pytest.mark.parametrize("damage", ["torn", "refused"])
    def test_a_model_that_fails_its_own_warm_up(self, models, tmp_path, damage):
        version = tmp_path / "ser" / "1"
        (version / "assets.extra").mkdir(parents=True)
        for part in ("saved_model.pb", "variables"):
            (version / part).symlink_to(models / "ser" / "1" / part)
        requests = version / "assets.extra" / "tf_serving_warmup_requests"
        if damage == "torn":
            requests.write_bytes((models / "ser" / "1" / "assets.extra" / requests.name).read_bytes()[:-5])
        else:
            log = PredictionLog(predict_log=PredictLog(request=make_request({"wave": np.zeros(1)})))
            with tf.io.TFRecordWriter(str(requests)) as file:
                file.write(log.SerializeToString())
        with pytest.raises(UserError, match=r"request \d+ of .*tf_serving_warmup_requests fails .*: export the model"):
            LocalServer.start(tmp_path, port=0)


def test_a_port_in_use_is_an_error(server, models):
    port = int(server.address.rpartition(":")[2])
    with pytest.raises(UserError, match=rf"port {port} on 127.0.0.1 is in use: .* --grpc-port"):
        LocalServer.start(models, port=port)


def test_a_start_that_fails_gives_the_port_back(models, tmp_path):
    (tmp_path / "ser" / "1").mkdir(parents=True)
    (tmp_path / "ser" / "1" / "saved_model.pb").write_bytes(b"not a model")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(UserError, match=r"saved_model.pb is damaged"):
        LocalServer.start(tmp_path, port=port)
    with LocalServer.start(models, port=port) as server:
        assert server.address == f"127.0.0.1:{port}"


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_an_error(models, host):
    with pytest.raises(UserError, match=rf"cannot listen on {host}:0 .* --host"):
        LocalServer.start(models, port=0, settings=ServerSettings(host=host))


def test_ser_serve_answers_until_it_is_told_to_stop(models):
    with ser_serve(models) as (process, address, _):
        with grpc.insecure_channel(address) as channel:
            answer = ask(prediction_service_pb2_grpc.PredictionServiceStub(channel))
        process.send_signal(signal.SIGTERM)
        # Under load, the interpreter alone takes long to end; only a server that hangs takes so long.
        _, errors = process.communicate(timeout=120)
    assert answer["status"].tolist() == [0]
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_calls_running_at_the_stop_are_answered(models):
    server = LocalServer.start(models, port=0)
    long = {"waveform": voices(16, 160_000), "num_samples": np.full(16, 160_000, np.int32)}
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        ask(stub)
        running = stub.Predict.future(make_request(long), timeout=30)
        time.sleep(0.05)
        server.stop()
        assert running.result().outputs["status"].tensor_content == bytes(4 * 16)
