"""Why no server answers: proxies, schemes, other ports; each is said precisely."""

import pytest

from data_pipeline.errors import UserError
from serving.client import EmotionClient
from serving.client.diagnosis import host_and_port, is_this_machine, proxy_in_the_way, what_listens
from serving.client.server_errors import ServerUnavailableError
from serving.server.local_server import LocalServer, ServerSettings
from tests.voice import voice


@pytest.fixture(scope="module")
def running(models):
    with LocalServer.start(models, port=0, settings=ServerSettings(rest_port=0)) as server:
        yield server


@pytest.mark.parametrize(
    ("server", "found"),
    [
        ("localhost:8500", ("localhost", 8_500)),
        ("[::1]:8500", ("::1", 8_500)),
        ("dns:///models:8500", ("models", 8_500)),
        ("ipv4:127.0.0.1:8500", ("127.0.0.1", 8_500)),
        ("ipv6:[::1]:8500", ("::1", 8_500)),
        ("models", None),
        ("unix:/tmp/socket", None),
    ],
)
def test_addresses(server, found):
    assert host_and_port(server) == found


@pytest.mark.parametrize(
    "server",
    [
        "localhost:1",
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
        "unix:/tmp/socket",
        "ipv4:127.0.0.1:1",
        "ipv6:[::1]:1",
        "dns:///localhost:1",
    ],
)
def test_no_proxy_stands_before_this_machine(server):
    assert is_this_machine(server)
    assert proxy_in_the_way(server, {"http_proxy": "http://proxy:3128"}) == ""


@pytest.mark.parametrize("server", ["models:8500", "10.0.0.7:8500", "[2001:db8::1]:8500"])
def test_the_variable_of_a_proxy_is_named(server):
    assert not is_this_machine(server)
    assert proxy_in_the_way(server, {"http_proxy": "http://proxy:3128"}) == "http_proxy"
    assert proxy_in_the_way(server, {}) == ""


@pytest.mark.parametrize(
    ("variables", "used"),
    [
        ({"no_proxy": "models.example.com"}, ""),
        ({"no_proxy": "other.net, example.com"}, ""),
        ({"no_grpc_proxy": ".example.com"}, ""),
        ({"no_proxy": "other.net"}, "https_proxy"),
        # The second is read only where the first is not set.
        ({"no_grpc_proxy": "other.net", "no_proxy": "example.com"}, "https_proxy"),
    ],
)
def test_hosts_that_are_excepted_from_the_proxy(variables, used):
    assert proxy_in_the_way("models.example.com:8500", {"https_proxy": "http://proxy:3128", **variables}) == used


def test_networks_are_excepted_from_the_proxy():
    environment = {"http_proxy": "http://proxy:3128", "no_proxy": "10.0.0.0/8"}
    assert proxy_in_the_way("10.1.2.3:8500", environment) == ""
    assert proxy_in_the_way("11.1.2.3:8500", environment) == "http_proxy"


def test_an_address_with_a_path_is_refused():
    with pytest.raises(UserError, match="has a path, as a REST call does"):
        EmotionClient("localhost:8501/v1/models/ser")


def test_a_server_of_this_machine_is_asked_in_spite_of_a_proxy(running, monkeypatch):
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    from serving.recognition.audio import Samples

    with EmotionClient(running.address) as client:
        assert client.recognise(Samples(voice(0.5), 16_000)).emotion


@pytest.mark.parametrize("scheme", ["http", "https", "grpc"])
def test_an_address_of_the_web_is_refused(scheme):
    with pytest.raises(UserError, match=f"begins with {scheme}://: give HOST:PORT"):
        EmotionClient(f"{scheme}://localhost:8500")


def test_the_rest_port_is_told(running):
    assert what_listens(running.rest_address) == "HTTP"
    with EmotionClient(running.rest_address, attempts=1) as client, pytest.raises(ServerUnavailableError) as caught:
        client.check()
    assert "as a REST port does" in str(caught.value)


def test_nothing_listens():
    assert what_listens("127.0.0.1:9") == ""


def test_many_utterances_are_not_one(running):
    import asyncio
    from pathlib import Path

    import numpy as np

    from serving.client import AsyncEmotionClient
    from serving.recognition.audio import Samples

    singles = ["x.wav", Path("x.wav"), b"RIFF", Samples(voice(0.5), 16_000), np.zeros(9)]
    with EmotionClient(running.address) as client:
        for single in singles:
            with pytest.raises(TypeError, match="give a list"):
                client.recognise_all(single)

    async def ask(single) -> None:
        async with AsyncEmotionClient(running.address) as client:
            client.recognise_all(single)

    for single in singles:
        with pytest.raises(TypeError, match="give a list"):
            asyncio.run(ask(single))
