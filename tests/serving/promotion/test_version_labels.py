"""Version labels, which `ser promote` and `ser rollback` move."""

import socket
import threading
import time
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from typer.testing import CliRunner

import ser
from data_pipeline.errors import UserError
from serving.model_repository import server_config
from serving.promotion import version_labels
from serving.server.local_server import LocalServer, ServerSettings
from tests.serving.server.reload_client import ReloadClient, entry
from tests.serving.server.test_reloading import copy_version


@pytest.fixture
def folder(tmp_path) -> Path:
    """The folder of `ser` with the versions 1 to 4, which cannot be loaded, and the configuration of an export."""
    for version in range(1, 5):
        path = tmp_path / "ser" / str(version)
        path.mkdir(parents=True)
        (path / "saved_model.pb").write_bytes(b"")
    server_config.register(tmp_path, "ser")
    return tmp_path / "ser"


def labels(folder: Path) -> dict[str, int]:
    return dict(version_labels.read(folder).labels)


def loaded(folder: Path) -> list[int]:
    return list(version_labels.read(folder).versions)


def test_what_is_served_now_can_be_pinned_before_a_newer_version_comes(folder):
    (folder / "4" / "saved_model.pb").unlink()
    version_labels.pin(folder)
    (folder / "4" / "saved_model.pb").write_bytes(b"")
    assert labels(folder) == {"stable": 3}
    assert loaded(folder) == [3], "the newest is not served because it is new"


def test_canary_then_stable_then_back(folder):
    version_labels.promote(folder, 2)
    version_labels.label_canary(folder, 3)
    assert labels(folder) == {"stable": 2, "canary": 3, "previous": 4}
    version_labels.promote(folder)
    assert labels(folder) == {"stable": 3, "canary": 3, "previous": 2}
    assert loaded(folder) == [2, 3], "what stable goes back to stays loaded, and what was before that goes"
    version_labels.roll_back(folder)
    assert labels(folder) == {"stable": 2, "canary": 2}
    assert loaded(folder) == [2]


def test_there_is_only_one_way_back(folder):
    version_labels.promote(folder, 1)
    version_labels.roll_back(folder)
    before = (folder.parent / "models.config").read_bytes()
    with pytest.raises(UserError, match="nothing to go back to"):
        version_labels.roll_back(folder)
    assert (folder.parent / "models.config").read_bytes() == before


def test_promoting_what_is_stable_keeps_the_way_back(folder):
    version_labels.promote(folder, 2)
    version_labels.promote(folder, 3)
    version_labels.promote(folder)
    assert labels(folder) == {"stable": 3, "canary": 3, "previous": 2}


def test_a_canary_can_be_withdrawn(folder):
    version_labels.label_canary(folder, 2)
    version_labels.withdraw_canary(folder)
    assert labels(folder) == {"stable": 4, "canary": 4}
    assert loaded(folder) == [4]


def test_what_the_operator_asked_for_stays(folder):
    models = folder.parent
    text = f"model_config_list {{ {entry('1 2 3', 'stable=2 trial=3')} {entry('1', name='other')} }}"
    (models / "models.config").write_text(text)
    version_labels.label_canary(folder, 4)
    assert labels(folder) == {"stable": 2, "canary": 4, "trial": 3}
    assert loaded(folder) == [1, 2, 3, 4]
    version_labels.promote(folder)
    version_labels.promote(folder, 3)
    assert loaded(folder) == [1, 3, 4], "version 2 was there for its label only"
    assert [model.name for model in server_config.read_models_config(models).model_config_list.config] == [
        "ser",
        "other",
    ]
    everything = "model_version_policy { all {} } base_path: '/models/ser' name: 'ser'"
    (models / "models.config").write_text(f"model_config_list {{ config {{ {everything} }} }}")
    version_labels.promote(folder, 1)
    assert loaded(folder) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("move", "sentence"),
    [
        (lambda folder: version_labels.promote(folder), "no version of .* is labelled canary: name one with --version"),
        (lambda folder: version_labels.promote(folder, 9), "has no version 9: choose from 1, 2, 3, 4"),
        (lambda folder: version_labels.label_canary(folder, 9), "has no version 9"),
        (lambda folder: version_labels.roll_back(folder), "nothing to go back to"),
        (lambda folder: version_labels.pin(folder.parent / "other"), "has no model 'other'"),
    ],
)
def test_what_cannot_be_done_changes_nothing(folder, move, sentence):
    before = (folder.parent / "models.config").read_bytes()
    with pytest.raises(UserError, match=sentence):
        move(folder)
    assert (folder.parent / "models.config").read_bytes() == before


def test_a_model_that_is_not_listed_is_told(folder):
    (folder.parent / "models.config").write_text("model_config_list {}")
    with pytest.raises(UserError, match="does not list the model ser"):
        version_labels.pin(folder)


MOVES = st.one_of(
    st.tuples(st.just("promote"), st.none() | st.integers(1, 5)),
    st.tuples(st.just("label_canary"), st.integers(1, 5)),
    st.sampled_from([("roll_back",), ("withdraw_canary",), ("pin",)]),
)


@given(moves=st.lists(MOVES, max_size=8))
def test_whatever_is_asked_every_label_is_of_a_version_that_is_served(tmp_path_factory, moves):
    folder = tmp_path_factory.mktemp("models") / "ser"
    for version in range(1, 5):
        (folder / str(version)).mkdir(parents=True)
        (folder / str(version) / "saved_model.pb").write_bytes(b"")
    server_config.register(folder.parent, "ser")
    for name, *arguments in moves:
        before = labels(folder)
        try:
            getattr(version_labels, name)(folder, *arguments)
        except UserError:
            assert labels(folder) == before
            continue
        source = version_labels.read(folder)
        assert set(source.labels.values()) <= set(source.versions)
        assert source.labels["stable"] in source.versions
        assert len(source.versions) <= 3
        if name == "promote" and source.labels["stable"] != before.get("stable", 4):
            assert source.labels["previous"] == before.get("stable", 4)


class TestWithAServer:
    @pytest.fixture
    def folder(self, models, tmp_path) -> Path:
        """Two versions that can be loaded; version 1 is stable."""
        for version in (1, 2):
            copy_version(models, tmp_path / "repository", version)
        server_config.register(tmp_path / "repository", "ser")
        version_labels.promote(tmp_path / "repository" / "ser", 1)
        return tmp_path / "repository" / "ser"

    def test_servers_follow_at_once(self, folder):
        settings = ServerSettings(poll_seconds=0)
        with (
            LocalServer.start(folder.parent, port=0, settings=settings) as server,
            grpc.insecure_channel(server.address) as channel,
        ):
            client = ReloadClient(channel)

            def give(*command: str) -> str:
                done = CliRunner().invoke(ser.app, [*command, str(folder), "--server", server.address])
                assert done.exit_code == 0, done.output
                return done.output

            assert client.version(label="stable") == 1
            assert "stable is version 1" in give("promote", "--version", "2", "--canary")
            assert [client.version(label=label) for label in ("stable", "canary")] == [1, 2]
            assert "stable is version 2" in give("promote")
            assert client.version(label="stable") == 2
            assert client.states()[1] == ModelVersionStatus.AVAILABLE, "the way back is open"
            assert give("rollback").endswith("canary is version 1, stable is version 1\n")
            assert [client.version(label=label) for label in ("stable", "canary")] == [1, 1]
            assert client.states()[2] == ModelVersionStatus.END

    def test_a_version_that_cannot_be_loaded_is_told(self, folder):
        (folder / "3").mkdir()
        (folder / "3" / "saved_model.pb").write_bytes(b"\xff\xff no model")
        with (
            LocalServer.start(folder.parent, port=0, settings=ServerSettings(poll_seconds=0)) as server,
            grpc.insecure_channel(server.address) as channel,
        ):
            command = ["promote", str(folder), "--version", "3", "--server", server.address]
            done = CliRunner().invoke(ser.app, command)
            assert isinstance(done.exception, UserError)
            assert "is damaged" in str(done.exception)
            assert f"models.config is changed, but {server.address} is not" in str(done.exception)
            assert ReloadClient(channel).version(label="stable") == 1

    def test_a_silent_server_holds_up_no_other(self, folder):
        settings = ServerSettings(poll_seconds=0)
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            LocalServer.start(folder.parent, port=0, settings=settings) as server,
            grpc.insecure_channel(server.address) as channel,
        ):
            quiet = f"127.0.0.1:{silent.getsockname()[1]}"
            changed = []

            def watch() -> None:
                while ReloadClient(channel).version(label="stable") != 2:
                    time.sleep(0.1)
                changed.append(time.monotonic())

            watcher = threading.Thread(target=watch, daemon=True)
            watcher.start()
            command = ["promote", str(folder), "--version", "2", "--timeout", "15"]
            done = CliRunner().invoke(ser.app, [*command, "--server", quiet, "--server", server.address])
            ended = time.monotonic()
            watcher.join(5)
            assert f"{quiet} is not" in str(done.exception)
            # The one that answers had not to wait until the silent one was given up.
            assert changed[0] < ended - 5

    def test_an_address_that_is_none_changes_nothing(self, folder):
        command = ["promote", str(folder), "--version", "2", "--server", "http://models:8501"]
        done = CliRunner().invoke(ser.app, command)
        assert isinstance(done.exception, UserError)
        assert labels(folder)["stable"] == 1

    def test_where_nobody_answers_the_file_is_changed_and_the_user_told(self, folder):
        command = ["promote", str(folder), "--version", "2", "--server", "127.0.0.1:9", "--timeout", "5"]
        done = CliRunner().invoke(ser.app, command)
        assert "no model server answers at 127.0.0.1:9" in str(done.exception)
        assert labels(folder)["stable"] == 2
