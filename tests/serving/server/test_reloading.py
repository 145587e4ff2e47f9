"""Versions, models and labels are added and removed while calls are answered."""

import re
import shutil
import threading
import time
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from serving.model_repository import server_config
from serving.server.batching_settings import BatchingSettings
from serving.server.local_server import LocalServer, ServerSettings
from tests.serving.server.reload_client import ReloadClient, entry
from tests.serving.server.ser_serve import ser_serve

AVAILABLE, END = ModelVersionStatus.AVAILABLE, ModelVersionStatus.END
BATCHING = BatchingSettings(max_batch_size=8, max_execution_batch_size=8, pad_variable_length_inputs=True)


@pytest.fixture
def repository(models, tmp_path) -> Path:
    """A repository with version 1 of `ser`."""
    copy_version(models, tmp_path / "repository", 1)
    return tmp_path / "repository"


def copy_version(models: Path, repository: Path, version: int, name: str = "ser") -> None:
    """Add a version to a repository atomically, as an export does."""
    folder = repository / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(models / "ser" / "1", folder / ".unfinished")
    (folder / ".unfinished").rename(folder / str(version))


@pytest.fixture
def serving(repository):
    """`serving(poll_seconds)`: starts a server of the repository and returns a client."""
    opened = []

    def start(poll_seconds=0.1) -> ReloadClient:
        settings = ServerSettings(batching=BATCHING, poll_seconds=poll_seconds)
        server = LocalServer.start(repository, port=0, settings=settings)
        channel = grpc.insecure_channel(server.address)
        opened.append((server, channel))
        return ReloadClient(channel)

    yield start
    for server, channel in opened:
        channel.close()
        server.stop()


def wait_for(condition, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
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
        wait_for(lambda: "the server keeps serving its current versions" in caplog.text)
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


class Callers:
    """Threads that call a label repeatedly, and record answers from versions that do not have the label."""

    def __init__(self, client: ReloadClient, labels: list[str], **question):
        self._client = client
        self._question = question
        self._done = threading.Event()
        self.may_answer = {label: {1} for label in labels}
        self.answered = 0
        self.wrong: list[str] = []
        self._threads = [threading.Thread(target=self._call, args=(label,)) for label in labels * 8]

    def _call(self, label: str) -> None:
        while not self._done.is_set():
            before = set(self.may_answer[label])
            try:
                version = self._client.version(label=label, **self._question)
            except grpc.RpcError as error:
                self.wrong.append(f"{error.code()}: {error.details()}")
                continue
            if version not in before | self.may_answer[label]:
                self.wrong.append(f"{label} answered with {version} instead of {before}")
            self.answered += 1  # about: threads may lose some

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def move(self, label: str, version: int, config: str) -> None:
        """Move a label to another version by a request."""
        self.may_answer[label] = self.may_answer[label] | {version}
        self._client.reload(config)
        self.may_answer[label] = {version}


def replace(callers: Callers, client: ReloadClient, old: int, new: int) -> None:
    """A canary is loaded and becomes the stable version; then the old version is unloaded."""
    client.reload(entry("1 2", f"stable={old} canary={old}"))
    callers.move("canary", new, entry("1 2", f"stable={old} canary={new}"))
    callers.move("stable", new, entry("1 2", f"stable={new} canary={new}"))
    client.reload(entry(f"{new}", f"stable={new} canary={new}"))


def test_callers_notice_nothing_of_reloads_and_a_canary(serving, repository, models):
    copy_version(models, repository, 2)
    client = serving(poll_seconds=0)
    client.reload(entry("1", "stable=1 canary=1"))
    with Callers(client, ["stable", "canary"]) as callers:
        replace(callers, client, 1, 2)
        replace(callers, client, 2, 1)
    assert callers.wrong == []
    assert callers.answered > 10
    assert client.states() == {1: AVAILABLE, 2: END}


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


@pytest.mark.slow
def test_ten_thousand_calls_with_ten_reloads(mobilenet_version, tmp_path):
    """The memory does not grow after the first two reloads, in which everything has been used once."""
    for version in ("1", "2"):
        shutil.copytree(mobilenet_version, tmp_path / "ser" / version)
    (tmp_path / "models.config").write_text(f"model_config_list {{ {entry('1', 'stable=1 canary=1')} }}")
    server_config.register(tmp_path, "ser")
    with ser_serve(tmp_path) as (process, address, _), grpc.insecure_channel(address) as channel:
        client = ReloadClient(channel)
        levels = []
        with Callers(client, ["stable", "canary"], samples=16_000) as callers:
            for number in range(10):
                replace(callers, client, *((1, 2) if number % 2 == 0 else (2, 1)))
                wait_for(lambda number=number: callers.answered >= 1_050 * (number + 1), seconds=120)
                levels.append(resident_mib(process.pid))
        assert callers.wrong == []
        assert callers.answered >= 10_000
        print(f"\n{callers.answered} calls; MiB after each reload: {[round(level) for level in levels]}")
        assert levels[-1] < levels[1] + 25
        assert process.poll() is None
