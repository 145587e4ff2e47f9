"""What `ser serve` writes to standard error: which version of which model it has loaded and unloaded."""

import re
import shutil
import signal
import socket
import time

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from serving.server.local_server import LocalServer, ServerSettings
from tests.serving.server.reload_client import ReloadClient
from tests.serving.server.ser_serve import ser_serve


def test_every_version_loaded_and_unloaded_is_a_line(models, tmp_path):
    repository = tmp_path / "repository"
    shutil.copytree(models / "ser" / "1", repository / "ser" / "1")
    with ser_serve(repository, "--poll-wait-seconds", "0.1") as (process, address, _):
        shutil.copytree(models / "ser" / "1", repository / "ser" / ".unfinished")
        (repository / "ser" / ".unfinished").rename(repository / "ser" / "2")
        with grpc.insecure_channel(address) as channel:
            deadline = time.monotonic() + 60
            while ReloadClient(channel).states() != {1: ModelVersionStatus.END, 2: ModelVersionStatus.AVAILABLE}:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, written = process.communicate(timeout=60)
    lines = [line for line in written.splitlines() if "loaded version" in line]
    assert [re.sub(r"^[-\d]+ [:,\d]+ ", "", line) for line in lines] == [
        f"INFO loaded version 1 of ser from {repository / 'ser' / '1'}",
        f"INFO loaded version 2 of ser from {repository / 'ser' / '2'}",
        "INFO unloaded version 1 of ser",
        "INFO unloaded version 2 of ser",
    ]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line) for line in lines)


def test_a_grpc_client_at_the_rest_port_is_one_line(models, caplog):
    with LocalServer.start(models, port=0, settings=ServerSettings(rest_port=0)) as server:
        host, _, port = server.rest_address.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as connection:
            # What every HTTP/2 client sends first (RFC 9113, section 3.4), and a frame of settings.
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
            assert b"400" in connection.recv(200)
    [record] = [record for record in caplog.records if record.name.endswith(".rest")]
    assert "a gRPC client has to call the gRPC port" in record.getMessage()
    assert record.exc_info is None
