"""Make calls open-loop (at given times) or closed-loop (each caller waits for its answer), and record their results.

The requests are serialised in advance, and only the statuses and probabilities of an answer are read, so the caller
takes little of the processor that it may share with the server.
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
"""Number of connections, as if there were several clients. A single one would be limited by its flow control."""


@dataclass(frozen=True, slots=True)
class Call:
    """The result of a call. All times are in seconds on the same clock.

    Attributes:
        intended: Time at which the call was to be made. Latency is measured from here, so a call that is made late
            because earlier ones took long does not make the server look faster (coordinated omission).
        finished: Time at which the call ended.
        code: `OK`, or the name of the gRPC status, or the name of the row's status.
    """

    intended: float
    finished: float
    code: str

    @property
    def latency(self) -> float:
        """Latency in seconds."""
        return self.finished - self.intended


def open_loop(address: str, requests: Sequence[bytes], arrivals: np.ndarray, timeout: float) -> list[Call]:
    """Make calls at given times, whether or not earlier calls have been answered.

    Args:
        address: `host:port` of the gRPC port.
        requests: Serialised `PredictRequest`s, which are sent in turn.
        arrivals: float64 [calls], seconds from now, in ascending order.
        timeout: Maximum number of seconds for each call.

    Returns:
        The results, in the order of `arrivals`.
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
    """Let each of several callers make its next call as soon as its previous one has ended.

    Args:
        address: See `open_loop`.
        requests: See `open_loop`.
        callers: Number of concurrent callers.
        seconds: Seconds after which no more calls are made.
        timeout: See `open_loop`.

    Returns:
        The results of all calls.
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
