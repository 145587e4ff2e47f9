"""Retries and load balancing, observed by the servers."""

import collections
import time

import grpc
import numpy as np
import pytest

from serving.client import (
    EmotionClient,
    RequestRefusedError,
    Samples,
    ServerBusyError,
    ServerError,
    ServerUnavailableError,
)
from tests.serving.client.fake_server import fake_server, happy
from tests.voice import voice

SPEECH = Samples(voice(), 16_000)


class Failing:
    """A server that fails a number of times with one code before it answers."""

    def __init__(self, code, times, details="not now"):
        self.code, self.times, self.details = code, times, details
        self.calls = []

    def __call__(self, request, context):
        self.calls.append(time.monotonic())
        if len(self.calls) <= self.times:
            context.abort(self.code, self.details)
        return happy(request)


@pytest.mark.parametrize("seconds", [1, 100], ids=["64 kB", "6.4 MB"])
def test_unavailable_is_tried_again_after_growing_waits(seconds):
    predict = Failing(grpc.StatusCode.UNAVAILABLE, 2)
    with fake_server(predict) as address, EmotionClient(address) as client:
        answer = client.recognise(Samples(np.tile(SPEECH.values, seconds), 16_000))
    assert answer.emotion == "happiness"
    first, second = np.diff(predict.calls)
    assert 0.15 < first < second


@pytest.mark.parametrize("attempts", [1, 2])
def test_it_gives_up_after_the_attempts_it_was_given(attempts):
    predict = Failing(grpc.StatusCode.UNAVAILABLE, 99)
    with (
        fake_server(predict) as address,
        EmotionClient(address, attempts=attempts) as client,
        pytest.raises(ServerUnavailableError),
    ):
        client.recognise(SPEECH)
    assert len(predict.calls) == attempts


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ServerBusyError),
        (grpc.StatusCode.INVALID_ARGUMENT, RequestRefusedError),
        (grpc.StatusCode.INTERNAL, RequestRefusedError),
        (grpc.StatusCode.ABORTED, RequestRefusedError),
    ],
)
def test_nothing_else_is_tried_again(code, error):
    predict = Failing(code, 99)
    with fake_server(predict) as address, EmotionClient(address) as client, pytest.raises(error) as caught:
        client.recognise(SPEECH)
    assert len(predict.calls) == 1
    assert caught.value.code == code


def test_a_full_queue_of_tensorflow_serving_is_a_busy_server():
    details = "The batch scheduling queue to which this task was submitted is full"
    predict = Failing(grpc.StatusCode.UNAVAILABLE, 99, details)
    with (
        fake_server(predict) as address,
        EmotionClient(address, attempts=1) as client,
        pytest.raises(ServerBusyError, match="is full"),
    ):
        client.recognise(SPEECH)


def test_waits_end_with_the_deadline():
    predict = Failing(grpc.StatusCode.UNAVAILABLE, 99)
    with fake_server(predict) as address, EmotionClient(address, timeout=0.3, attempts=5) as client:
        start = time.monotonic()
        with pytest.raises(ServerError):
            client.recognise(SPEECH)
        assert time.monotonic() - start < 1


def test_calls_go_to_all_addresses_behind_a_name_in_turn():
    answered = collections.Counter()

    def predict(number):
        def answer(request, context):
            answered[number] += 1
            return happy(request)

        return answer

    with (
        fake_server(predict(1)) as first,
        fake_server(predict(2)) as second,
        fake_server(predict(3)) as third,
        EmotionClient(f"ipv4:{first},{second},{third}") as client,
    ):
        # Those that are connected answer; soon they are all.
        deadline = time.monotonic() + 5
        while len(answered) < 3 and time.monotonic() < deadline:
            client.recognise(SPEECH)
        answered.clear()
        for _ in range(30):
            client.recognise(SPEECH)
    assert set(answered.values()) == {10}


def test_the_others_answer_for_one_that_is_gone():
    with fake_server(lambda request, context: happy(request)) as alive:
        with fake_server(lambda request, context: happy(request)) as gone:
            pass
        with EmotionClient(f"ipv4:{gone},{alive}") as client:
            assert [client.recognise(SPEECH).emotion for _ in range(5)] == ["happiness"] * 5
