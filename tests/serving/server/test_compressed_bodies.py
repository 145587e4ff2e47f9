"""Compressed bodies of REST requests: unpacked within the limit, and refused with the right status."""

import gzip
import json
import zlib
from pathlib import Path

import pytest
import requests
from aiohttp import web

from serving.server.local_server import LocalServer, ServerSettings
from serving.server.request_error import RequestError
from serving.server.rest import unpacked
from tests.voice import voice


@pytest.fixture(scope="module")
def running(models):
    with LocalServer.start(models, port=0, settings=ServerSettings(rest_port=0)) as server:
        yield server


def post(running: LocalServer, body: bytes, encoding: str) -> requests.Response:
    return requests.post(
        f"http://{running.rest_address}/v1/models/ser:predict", body, headers={"Content-Encoding": encoding}, timeout=30
    )


@pytest.fixture(scope="module")
def body() -> bytes:
    waveform = voice(0.5).round(3).tolist()
    return json.dumps({"instances": [{"waveform": waveform, "num_samples": len(waveform)}]}).encode()


@pytest.mark.parametrize(("encoding", "packed"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_request_is_answered_as_the_request_itself(running, body, encoding, packed):
    answers = [post(running, packed(body), encoding).json(), post(running, body, "").json()]
    assert answers[0] == answers[1]
    assert answers[0]["predictions"][0]["status"] == 0


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(b"not gzip", "gzip"), (gzip.compress(bytes(9_999))[:-9], "gzip"), (b"", "gzip"), (b"{}", "br")],
    ids=["not gzip", "cut off", "nothing", "unknown encoding"],
)
def test_a_body_that_cannot_be_unpacked_is_a_bad_request(running, content, encoding):
    answer = post(running, content, encoding)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_small_body_that_becomes_a_large_one_is_refused_and_leaves_no_memory(running):
    bomb = gzip.compress(bytes(2**29), compresslevel=9)
    assert len(bomb) < 2**20

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096

    post(running, bomb, "gzip")
    before = resident()
    for _ in range(5):
        assert post(running, bomb, "gzip").status_code == 413
    assert resident() - before < 2**29


def test_every_member_of_a_gzip_body_is_read(running, body):
    half = len(body) // 2
    members = gzip.compress(body[:half]) + gzip.compress(body[half:])
    assert post(running, members, "gzip").json() == post(running, body, "").json()
    assert post(running, members + b"rest", "gzip").status_code == 400
    assert post(running, zlib.compress(body) + b"rest", "deflate").status_code == 400


def test_the_limit_holds_for_all_members_together():
    assert len(unpacked(gzip.compress(bytes(50)) * 2, "gzip", most=100)) == 100
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        unpacked(gzip.compress(bytes(51)) * 2, "gzip", most=100)


def test_the_limit_holds_while_unpacking():
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        unpacked(gzip.compress(bytes(101)), "gzip", most=100)
    assert unpacked(gzip.compress(bytes(100)), "gzip", most=100) == bytes(100)
    with pytest.raises(RequestError, match="cut off"):
        unpacked(gzip.compress(bytes(100))[:-1], "gzip", most=100)
