"""The client for coroutines: its answers and errors are those of the blocking client."""

import asyncio
import socket
import threading
import time

import numpy as np
import pytest
import soundfile

from serving.client import (
    AsyncEmotionClient,
    EmotionAnswer,
    EmotionClient,
    ModelNotFoundError,
    Samples,
    ServerTimeoutError,
    ServerUnavailableError,
    UnreadableAudioError,
)
from serving.recognition import batches
from tests.serving.client.fake_server import fake_server, happy
from tests.voice import voice


def run(address, ask, **choices):
    """Run a coroutine with a client and return its result."""

    async def main():
        async with AsyncEmotionClient(address, **choices) as client:
            return await asyncio.wait_for(ask(client), 60)

    return asyncio.run(main())


async def collect(answers):
    return [answer async for answer in answers]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "clip.flac"
    soundfile.write(path, voice(1.5, 22_050), 22_050)
    return path


def test_it_answers_as_the_blocking_client_does(server, clips, path):
    audios = [Samples(clip, 16_000) for clip in clips] + [path]
    with EmotionClient(server.address) as client:
        wanted = list(client.recognise_all(audios))
    together = run(server.address, lambda client: collect(client.recognise_all(audios)))
    alone = [run(server.address, lambda client, audio=audio: client.recognise(audio)) for audio in audios[-2:]]
    for answer, other in zip(together + alone, wanted + wanted[-2:], strict=True):
        assert answer.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert (answer.emotion, answer.model_version) == (other.emotion, other.model_version)


def test_streams_are_awaited(server, path):
    async def pieces():
        content = path.read_bytes()
        for start in range(0, len(content), 5_000):
            await asyncio.sleep(0)
            yield content[start : start + 5_000]

    async def broken():
        yield path.read_bytes()[:5_000]
        raise ConnectionResetError("peer is gone")

    async def ask(client):
        return [
            await client.recognise(path),
            await client.recognise(pieces()),
            *await collect(client.recognise_all([pieces(), broken(), pieces()])),
        ]

    file, stream, first, bad, last = run(server.address, ask)
    for answer in (stream, first, last):
        assert answer.probabilities == pytest.approx(file.probabilities, abs=1e-5)
    assert isinstance(bad, UnreadableAudioError)
    assert "peer is gone" in str(bad)


def test_bad_ones_are_errors_in_their_places(server, clips, path, tmp_path):
    noise = Samples(np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    audios = [path, tmp_path / "nowhere.wav", noise, Samples(clips[0], 16_000), b""]
    answers = run(server.address, lambda client: collect(client.recognise_all(audios)))
    assert [type(answer) for answer in answers] == [
        EmotionAnswer, UnreadableAudioError, UnreadableAudioError, EmotionAnswer, UnreadableAudioError
    ]  # fmt: skip


def test_errors_are_those_of_the_blocking_client(server, clips):
    with pytest.raises(ModelNotFoundError, match="model foo"):
        run(server.address, lambda client: client.check(), model="foo")
    with pytest.raises(UnreadableAudioError, match="not finite numbers"):
        run(server.address, lambda client: client.recognise(Samples(np.array([np.inf]), 16_000)))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServerTimeoutError, match=r"within 0\.3 s"):
            run(address, lambda client: client.recognise(Samples(clips[0], 16_000)), timeout=0.3)
    with pytest.raises(ServerUnavailableError):
        run(address, lambda client: collect(client.recognise_all([Samples(clips[0], 16_000)] * 99)), attempts=1)


def test_no_more_calls_are_under_way_than_allowed(clips):
    watch = Watch()
    with fake_server(watch) as address:
        run(
            address,
            lambda client: asyncio.gather(*(client.recognise(Samples(clips[0], 16_000)) for _ in range(20))),
            concurrency=3,
        )
    assert watch.most == 3


def test_who_waits_for_a_place_too_long_is_out_of_time(clips):
    async def ask(client):
        asked = [client.recognise(Samples(clips[0], 16_000)) for _ in range(5)]
        return await asyncio.gather(*asked, return_exceptions=True)

    with fake_server(Watch(seconds=0.4)) as address:
        answers = run(address, ask, concurrency=1, timeout=0.6)
    assert [type(answer) for answer in answers].count(EmotionAnswer) == 1
    assert [type(answer) for answer in answers].count(ServerTimeoutError) == 4


def test_whoever_stops_listening_leaves_no_call_behind(clips, monkeypatch):
    monkeypatch.setattr(batches, "MAX_UTTERANCES", 16)
    watch = Watch(seconds=0.05)

    async def ask(client):
        answers = client.recognise_all(Samples(clips[0], 16_000) for _ in range(1_000))
        async for _ in answers:
            break
        await answers.aclose()
        return len(asyncio.all_tasks())

    with fake_server(watch) as address:
        assert run(address, ask, batch_size=2) <= 2  # this one, and that of `wait_for`
        assert watch.calls < 60


class Watch:
    """A slow server that counts its concurrent calls."""

    def __init__(self, seconds=0.02):
        self.seconds = seconds
        self.lock = threading.Lock()
        self.now = self.most = self.calls = 0

    def __call__(self, request, context):
        with self.lock:
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        return happy(request)
