import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import grpc
import grpc.aio
import numpy as np

from serving.client.model_calls import ModelCalls
from serving.client.server_errors import out_of_time
from serving.errors import RecognitionError
from serving.recognition.answer import EmotionAnswer, read_answers
from serving.recognition.audio import MOST_BYTES, Audio, read_waveform, waveform_or_reason
from serving.recognition.waveforms import padded_batch
from serving.recognition.window import READ_AT_A_TIME, Window, is_full

_Read = TypeVar("_Read")

AsyncAudio = Audio | AsyncIterable[bytes]
"""Where an utterance comes from: as for the other client, and streams that are awaited."""


class AsyncEmotionClient(ModelCalls):
    """Asks a model server for emotions from a coroutine; close it after use, or use it in an `async with`.

    It belongs to the event loop in which it was made. Audio is decoded in threads. See `ModelCalls` for the arguments.

    Example:
        ```
        async with AsyncEmotionClient("localhost:8500", "mobilenet") as client:
            answer = await client.recognise("clip.mp3")
            async for answer in client.recognise_all(paths):
                print(answer)
        ```
    """

    _grpc = grpc.aio
    _semaphore = asyncio.Semaphore

    async def __aenter__(self) -> "AsyncEmotionClient":
        return self

    async def __aexit__(self, *_) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def check(self) -> None:
        """See `EmotionClient.check`."""
        try:
            status = await self._models.GetModelStatus(self._status_request(), timeout=self._timeout)
        except grpc.RpcError as error:
            raise self._explained(error) from error
        self._check_available(status)

    async def ask(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Make one Predict call; see `EmotionClient.ask`."""
        request = self._predict_request(waveform, num_samples)
        deadline = time.monotonic() + self._timeout
        try:
            async with asyncio.timeout(self._timeout):
                await self._places.acquire()
        except TimeoutError:
            raise out_of_time(self.server, self._timeout) from None
        try:
            response = await self._predictions.Predict(request, timeout=max(0.001, deadline - time.monotonic()))
        except grpc.RpcError as error:
            raise self._explained(error) from error
        finally:
            self._places.release()
        return self._outputs(response)

    async def recognise(self, audio: AsyncAudio) -> EmotionAnswer:
        """The emotion in one utterance; see `EmotionClient.recognise`."""
        [answer] = await self._answers([await _in_thread(read_waveform, audio)])
        if isinstance(answer, RecognitionError):
            raise answer
        return answer

    async def recognise_all(self, audios: Iterable[AsyncAudio]) -> AsyncIterator[EmotionAnswer | RecognitionError]:
        """The emotions in many utterances; see `EmotionClient.recognise_all`."""
        running: set[asyncio.Task] = set()
        try:
            answers = _in_order(Window([], self.batch_size), [])
            async for waveforms in _windows(audios):
                # While this window was being read, the one before it was being asked about.
                coming = self._start_asking(waveforms, running)
                async for answer in answers:
                    yield answer
                answers = coming
            async for answer in answers:
                yield answer
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _start_asking(
        self, waveforms: list[np.ndarray | RecognitionError], running: set[asyncio.Task]
    ) -> AsyncIterator[EmotionAnswer | RecognitionError]:
        """Ask about a window; the answers in order, each awaited when it is taken."""
        window = Window(waveforms, self.batch_size)
        asked = [asyncio.create_task(self._answers_or_reasons(batch)) for batch in window.batches]
        for task in asked:
            running.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(_look_at)
        return _in_order(window, asked)

    async def _answers_or_reasons(self, waveforms: Sequence[np.ndarray]) -> Sequence[EmotionAnswer | RecognitionError]:
        try:
            return await self._answers(waveforms)
        except RecognitionError as error:
            if error.concerns_all:
                raise
            return [error] * len(waveforms)

    async def _answers(self, waveforms: Sequence[np.ndarray]) -> Sequence[EmotionAnswer | RecognitionError]:
        waveform, num_samples = padded_batch(waveforms)
        start = time.perf_counter()
        outputs, version = await self.ask(waveform, num_samples)
        return read_answers(outputs, self.labels, len(waveforms), version, time.perf_counter() - start)


async def _windows(audios: Iterable[AsyncAudio]) -> AsyncIterator[list[np.ndarray | RecognitionError]]:
    left = iter(audios)
    window: list[np.ndarray | RecognitionError] = []
    while some := list(islice(left, READ_AT_A_TIME)):
        window.extend(await asyncio.gather(*(_in_thread(waveform_or_reason, audio) for audio in some)))
        if is_full(window):
            yield window
            window = []
    if window:
        yield window


async def _in_thread(read: Callable[[Audio], _Read], audio: AsyncAudio) -> _Read:
    """Read audio without keeping the event loop; streams that are awaited are collected in it first."""
    if isinstance(audio, AsyncIterable):
        audio = await _collected(audio)
    return await asyncio.to_thread(read, audio)


async def _collected(stream: AsyncIterable[bytes]) -> Iterator[bytes]:
    """Its pieces, as far as anyone will read them; where it broke off, so do they."""
    pieces, size = [], 0
    broken: OSError | None = None
    try:
        async for piece in stream:
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                break
    except OSError as error:
        broken = error
    return _replayed(pieces, broken)


def _replayed(pieces: Iterable[bytes], broken: OSError | None) -> Iterator[bytes]:
    yield from pieces
    if broken:
        raise broken


async def _in_order(
    window: Window, asked: Sequence[asyncio.Task[Sequence[EmotionAnswer | RecognitionError]]]
) -> AsyncIterator[EmotionAnswer | RecognitionError]:
    for where in window.in_order():
        yield where if isinstance(where, RecognitionError) else (await asked[where[0]])[where[1]]


def _look_at(task: asyncio.Task) -> None:
    """Of tasks that failed after another one had, asyncio would otherwise complain that nobody looked."""
    if not task.cancelled():
        task.exception()
