"""Misbehaving clients: half-closed connections, slow senders and readers, garbage."""

import contextlib
import json
import socket
import struct
import time

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.server.local_server import LocalServer, ServerSettings
from tests.serving.server.test_server import ask, make_request
from tests.voice import voice, voices

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = struct.pack(">I", 0)[1:] + b"\x04\x00" + struct.pack(">I", 0)


@pytest.fixture(scope="module")
def running(models):
    with LocalServer.start(models, port=0, settings=ServerSettings(rest_port=0)) as server:
        yield server


def connect(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def rest_request(rows: int) -> bytes:
    # Few digits, so that a request of hundreds of rows stays small.
    row = {"waveform": voice(0.3)[:1_600].round(2).tolist(), "num_samples": 1_600}
    body = json.dumps({"instances": [row] * rows}).encode()
    head = f"POST /v1/models/ser:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def assert_alive(server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        assert ask(prediction_service_pb2_grpc.PredictionServiceStub(channel))["status"] == [0]
    with connect(server.rest_address) as connection:
        connection.sendall(b"GET /v1/models/ser HTTP/1.0\r\n\r\n")
        assert b"AVAILABLE" in everything_from(connection)


def everything_from(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


def test_a_rest_client_that_has_closed_its_side_is_still_answered(running):
    with connect(running.rest_address) as connection:
        connection.sendall(rest_request(1).replace(b"Host:", b"Connection: close\r\nHost:"))
        connection.shutdown(socket.SHUT_WR)
        received = everything_from(connection)
    assert received.startswith(b"HTTP/1.1 200") or received == b"", "answered, or dropped as one that has gone"
    assert_alive(running)


@pytest.mark.parametrize("port", ["address", "rest_address"])
@pytest.mark.parametrize("sent", [b"", b"\0" * 1_000, b"GET", PREFACE, PREFACE + SETTINGS, rest_request(1)[:-100]])
@pytest.mark.parametrize("end", ["half-closed", "reset", "left open"])
def test_connections_that_stop_in_the_middle(running, port, sent, end):
    connections = [connect(getattr(running, port)) for _ in range(5)]
    for connection in connections:
        connection.sendall(sent)
        if end == "half-closed":
            # The server may have hung up on what is no request.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        elif end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    assert_alive(running)
    for connection in connections:
        connection.close()


def test_slow_readers_hold_nobody_up(running):
    slow = []
    for _ in range(10):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
        host, _, port = running.rest_address.rpartition(":")
        connection.connect((host, int(port)))
        connection.sendall(rest_request(500))  # an answer of some 100 kB
        slow.append(connection)
    time.sleep(0.2)
    start = time.monotonic()
    assert_alive(running)
    assert time.monotonic() - start < 20
    for connection in slow:
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(64)
        assert received.startswith(b"HTTP/1.1 200")
        connection.close()
    assert_alive(running)


def test_a_slow_sender_is_waited_for(running):
    request = rest_request(1)
    with connect(running.rest_address) as connection:
        for start in range(0, len(request), 1_000):
            connection.sendall(request[start : start + 1_000])
            time.sleep(0.01)
        assert connection.recv(20).startswith(b"HTTP/1.1 200")


def test_callers_who_give_up_leave_no_trace(running):
    inputs = {"waveform": voices(8, 80_000), "num_samples": np.full(8, 80_000, np.int32)}
    with grpc.insecure_channel(running.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        calls = [stub.Predict.future(make_request(inputs), timeout=10) for _ in range(20)]
        for call in calls:
            call.cancel()
        late = [stub.Predict.future(make_request(inputs), timeout=0.001) for _ in range(20)]
        assert {call.code() for call in late} <= {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.OK}
    assert_alive(running)
