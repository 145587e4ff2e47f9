"""The server under test: `ser serve`, or the one that `--server` names."""

from dataclasses import dataclass

import grpc
import numpy as np
import pytest

from tests.serving.conformance import repository
from tests.serving.server.ser_serve import ser_serve
from tests.voice import voice


@dataclass(frozen=True)
class Addresses:
    """The address of the server."""

    grpc: str
    rest: str


@pytest.fixture(scope="session")
def addresses(request, tmp_path_factory) -> Addresses:
    server = request.config.getoption("--server")
    if server:
        host = server.rpartition(":")[0]
        yield Addresses(server, request.config.getoption("--rest-server") or f"{host}:8501")
        return
    models = tmp_path_factory.mktemp("conformance")
    repository.write(models)
    with ser_serve(models) as (_, address, rest_address):
        yield Addresses(address, rest_address)


@pytest.fixture(scope="session")
def channel(addresses):
    limits = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(addresses.grpc, options=limits) as opened:
        yield opened


@pytest.fixture(scope="session")
def waveforms() -> list[np.ndarray]:
    """Forty voices of forty lengths, float32 at 16 kHz."""
    return [voice((4_800 + 700 * index) / 16_000, seed=index).astype(np.float32) for index in range(40)]
