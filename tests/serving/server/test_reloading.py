"""Versions, models and labels that come and go while calls are answered."""

import shutil
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from serving.server.batching_settings import BatchingSettings
from serving.server.local import LocalServer, ServerSettings
from serving.tensors import to_array, to_proto

AVAILABLE, END = ModelVersionStatus.AVAILABLE, ModelVersionStatus.END
BATCHING = BatchingSettings(max_batch_size=8, max_execution_batch_size=8, pad_variable_length_inputs=True)


@pytest.fixture
def repository(models, tmp_path) -> Path:
    """A repository that holds version 1 of `ser`."""
    copy_version(models, tmp_path / "repository", 1)
    return tmp_path / "repository"


def copy_version(models: Path, repository: Path, version: int, name: str = "ser") -> None:
    """Add a version to a repository, as an export does: whole or not at all."""
    folder = repository / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(models / "ser" / "1", folder / ".unfinished")
    (folder / ".unfinished").rename(folder / str(version))


def entry(versions: str, labels: str = "", name: str = "ser") -> str:
    """A model of a configuration: `versions` is `1 2`, `labels` is `stable=1 canary=2`."""
    specific = " ".join(f"versions: {version}" for version in versions.split())
    pairs = [pair.split("=") for pair in labels.split()]
    labelled = " ".join(f'version_labels {{ key: "{label}" value: {version} }}' for label, version in pairs)
    return (
        f'config {{ name: "{name}" base_path: "/models/{name}" model_platform: "tensorflow" '
        f"model_version_policy {{ specific {{ {specific} }} }} {labelled} }}"
    )


class Client:
    """Plain stubs on one channel."""

    def __init__(self, channel: grpc.Channel):
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)

    def version(self, *, name="ser", label="") -> int:
        """Which version answers."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        if label:
            request.model_spec.version_label = label
        request.inputs["waveform"].CopyFrom(to_proto(np.full((1, 800), 0.1, np.float32)))
        request.inputs["num_samples"].CopyFrom(to_proto(np.array([800], np.int32)))
        response = self._predictions.Predict(request, timeout=30)
        assert to_array(response.outputs["status"]).tolist() == [0]
        return response.model_spec.version.value

    def states(self, name="ser") -> dict[int, int]:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        response = self._models.GetModelStatus(request, timeout=30)
        return {status.version: status.state for status in response.model_version_status}

    def status(self, version: int) -> ModelVersionStatus:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "ser"
        request.model_spec.version.value = version
        return self._models.GetModelStatus(request, timeout=30).model_version_status[0]

    def reload(self, *entries: str) -> None:
        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(f"model_config_list {{ {' '.join(entries)} }}", request.config)
        assert self._models.HandleReloadConfigRequest(request, timeout=60).status.error_code == 0


@pytest.fixture
def serving(repository):
    """`serving(poll_seconds)`: a client of a server of the repository."""
    opened = []

    def start(poll_seconds=0.1) -> Client:
        settings = ServerSettings(batching=BATCHING, poll_seconds=poll_seconds)
        server = LocalServer.start(repository, port=0, settings=settings)
        channel = grpc.insecure_channel(server.address)
        opened.append((server, channel))
        return Client(channel)

    yield start
    for server, channel in opened:
        channel.close()
        server.stop()


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


class TestPolling:
    def test_a_new_version_takes_over(self, serving, repository, models):
        client = serving()
        assert client.version() == 1
        copy_version(models, repository, 2)
        wait_for(lambda: client.states() == {1: END, 2: AVAILABLE})
        assert client.version() == 2

    def test_a_new_model_is_found(self, serving, repository, models):
        client = serving()
        copy_version(models, repository, 1, name="other")
        wait_for(lambda: "other" not in str(failure(client.version, name="other")))
        assert client.version(name="other") == 1

    def test_a_changed_configuration_is_taken_up(self, serving, repository, models):
        copy_version(models, repository, 2)
        config = repository / "models.config"
        config.write_text(f"model_config_list {{ {entry('1', 'stable=1')} }}")
        client = serving()
        assert client.version(label="stable") == 1
        config.write_text(f"model_config_list {{ {entry('1 2', 'stable=2')} }}")
        wait_for(lambda: client.version(label="stable") == 2)
        assert client.states() == {1: AVAILABLE, 2: AVAILABLE}

    @pytest.mark.parametrize("text", ["{{{", "model_config_list {}", f"model_config_list {{ {entry('9')} }}"])
    def test_a_configuration_that_cannot_be_met_changes_nothing(self, serving, repository, caplog, text):
        client = serving()
        (repository / "models.config").write_text(text)
        wait_for(lambda: "goes on with what it has" in caplog.text)
        time.sleep(0.3)
        assert client.version() == 1
        assert len(caplog.records) == 1, "said once, not at every look"

    def test_a_damaged_version_leaves_the_old_one_answering(self, serving, repository):
        client = serving()
        broken = repository / "ser" / "2"
        broken.mkdir()
        (broken / "saved_model.pb").write_bytes(b"\xff\xff no model")
        wait_for(lambda: client.states() == {1: AVAILABLE, 2: END})
        assert client.version() == 1
        status = client.status(2)
        assert status.status.error_code != 0
        assert "saved_model.pb is damaged" in status.status.error_message

    def test_a_server_may_be_told_not_to_look(self, serving, repository, models):
        client = serving(poll_seconds=0)
        copy_version(models, repository, 2)
        time.sleep(0.5)
        assert client.states() == {1: AVAILABLE}


def failure(call, **arguments) -> grpc.RpcError | None:
    try:
        call(**arguments)
    except grpc.RpcError as error:
        return error
    return None


class TestReloadRequests:
    def test_versions_labels_and_models_change_at_once(self, serving, repository, models):
        copy_version(models, repository, 2)
        copy_version(models, repository, 5, name="other")
        client = serving(poll_seconds=0.1)
        client.reload(entry("1 2", "stable=1 canary=2"), entry("5", name="other"))
        assert client.states() == {1: AVAILABLE, 2: AVAILABLE}
        assert [client.version(label=label) for label in ("stable", "canary")] == [1, 2]
        assert client.version(name="other") == 5
        client.reload(entry("2", "stable=2"))
        assert client.states() == {1: END, 2: AVAILABLE}
        assert client.version(label="stable") == 2
        assert failure(client.version, label="canary").code() == grpc.StatusCode.INVALID_ARGUMENT
        assert failure(client.version, name="other").code() == grpc.StatusCode.NOT_FOUND
        time.sleep(0.3)
        assert client.states() == {1: END, 2: AVAILABLE}, "the poll does not undo it"

    @pytest.mark.parametrize(
        ("text", "code", "sentence"),
        [
            (entry("9"), grpc.StatusCode.INVALID_ARGUMENT, "version 9 of ser"),
            (entry("1", "stable=7"), grpc.StatusCode.FAILED_PRECONDITION, "the label stable to version 7"),
            (entry("1") * 2, grpc.StatusCode.INVALID_ARGUMENT, "lists a model twice"),
            (entry("1", name="gone"), grpc.StatusCode.INVALID_ARGUMENT, "gone"),
        ],
    )
    def test_what_cannot_be_met_is_refused_and_changes_nothing(self, serving, text, code, sentence):
        client = serving(poll_seconds=0)
        with pytest.raises(grpc.RpcError) as caught:
            client.reload(text)
        assert caught.value.code() == code
        assert sentence in caught.value.details()
        assert client.version() == 1

    def test_a_version_that_cannot_be_loaded_is_told(self, serving, repository):
        client = serving(poll_seconds=0)
        (repository / "ser" / "2").mkdir()
        (repository / "ser" / "2" / "saved_model.pb").write_bytes(b"\xff\xff no model")
        with pytest.raises(grpc.RpcError, match="is damaged") as caught:
            client.reload(entry("1 2", "stable=1"))
        assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert client.version(label="stable") == 1


def test_callers_notice_nothing_of_reloads_and_a_canary(serving, repository, models):
    """Labels move, versions come and go; every call is answered, by a version that its label meant meanwhile."""
    copy_version(models, repository, 2)
    client = serving(poll_seconds=0)
    client.reload(entry("1", "stable=1"))
    allowed = {1}
    wrong, done = [], threading.Event()

    def call() -> int:
        calls = 0
        while not done.is_set():
            before = set(allowed)
            version = client.version(label="stable")
            if version not in before | allowed:
                wrong.append(version)
            calls += 1
        return calls

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    try:
        for old, new in [(1, 2), (2, 1), (1, 2)]:
            client.reload(entry("1 2", f"stable={old} canary={new}"))
            allowed.add(new)
            client.reload(entry(f"{new}", f"stable={new}"))
            allowed.discard(old)
    finally:
        done.set()
        for caller in callers:
            caller.join()
    assert wrong == []
    assert client.states() == {1: END, 2: AVAILABLE}
