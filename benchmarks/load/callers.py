"""Calls, made open-loop (by the clock) or closed-loop (each caller waits for its answer), and how they went.

The bytes of the requests are made before, and of an answer no more is read than whether there is one, so that the
caller takes little of the processor that it may share with the server.
"""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import grpc.aio
import numpy as np
from tensorflow_serving.apis.predict_pb2 import PredictResponse

from serving.status import RowStatus
from serving.tensors import MAX_MESSAGE_BYTES, to_array

OK = "OK"

_METHOD = "/tensorflow.serving.PredictionService/Predict"

_CONNECTIONS = 4
"""As several clients would have them; one alone is held up by its flow control."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. All times are in seconds on one clock.

    Attributes:
        intended: When it was to be made; latency counts from here, so that a caller who is late, because what came
            before took long, does not make the server look faster (coordinated omission).
        finished: When its end was known.
        code: `OK`, or the name of the gRPC status, or that of the row's status.
    """

    intended: float
    finished: float
    code: str

    @property
    def latency(self) -> float:
        """In seconds."""
        return self.finished - self.intended


def open_loop(address: str, requests: Sequence[bytes], arrivals: np.ndarray, timeout: float) -> list[Call]:
    """Call at given times, whether or not earlier calls are answered.

    Args:
        address: `host:port` of gRPC.
        requests: Serialised `PredictRequest`s, taken in turn.
        arrivals: float64 [calls], seconds from now, rising.
        timeout: Seconds that each call is given.

    Returns:
        All calls, in the order of `arrivals`.
    """

    async def run(callers: "_Callers") -> list[Call]:
        start = time.perf_counter()
        tasks = []
        for arrival, request in zip(arrivals, itertools.cycle(requests), strict=False):
            await asyncio.sleep(start + arrival - time.perf_counter())
            tasks.append(asyncio.create_task(callers.call(request, start + arrival)))
        return list(await asyncio.gather(*tasks))

    return asyncio.run(_with_callers(address, timeout, run))


def closed_loop(address: str, requests: Sequence[bytes], callers: int, seconds: float, timeout: float) -> list[Call]:
    """Call again as soon as there is an answer.

    Args:
        address: See `open_loop`, as for the others.
        requests: See there.
        callers: How many do so side by side.
        seconds: After which no more calls are made.
        timeout: See there.

    Returns:
        All calls.
    """

    async def one(shared: "_Callers", source: "itertools.cycle[bytes]", end: float) -> list[Call]:
        calls = []
        while (now := time.perf_counter()) < end:
            calls.append(await shared.call(next(source), now))
        return calls

    async def run(shared: "_Callers") -> list[Call]:
        source, end = itertools.cycle(requests), time.perf_counter() + seconds
        return [
            call
            for calls in await asyncio.gather(*(one(shared, source, end) for _ in range(callers)))
            for call in calls
        ]

    return asyncio.run(_with_callers(address, timeout, run))


class _Callers:
    def __init__(self, channels: Sequence[grpc.aio.Channel], timeout: float):
        self._methods = itertools.cycle([channel.unary_unary(_METHOD) for channel in channels])
        self._timeout = timeout

    async def call(self, request: bytes, intended: float) -> Call:
        try:
            response = await next(self._methods)(request, timeout=self._timeout)
        except grpc.aio.AioRpcError as error:
            return Call(intended, time.perf_counter(), error.code().name)
        finished = time.perf_counter()
        return Call(intended, finished, _row_code(response))


def _row_code(response: bytes) -> str:
    outputs = PredictResponse.FromString(response).outputs
    for status in to_array(outputs["status"]):
        if status:
            return RowStatus(status).name
    return OK if np.isfinite(to_array(outputs["probabilities"])).all() else "NOT_FINITE_ANSWER"


async def _with_callers(address: str, timeout: float, run) -> list[Call]:
    options = [
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
    ]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(_CONNECTIONS)]
    try:
        await asyncio.gather(*(asyncio.wait_for(channel.channel_ready(), timeout) for channel in channels))
        return await run(_Callers(channels, timeout))
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))
