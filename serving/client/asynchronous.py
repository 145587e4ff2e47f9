import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import grpc
import grpc.aio
import numpy as np

from data_pipeline.audio.decode import padded_batch
from data_pipeline.audio.track import Track
from serving.client.model_calls import ModelCalls
from serving.client.server_errors import timeout_error
from serving.errors import RecognitionError
from serving.recognition.answer import EmotionAnswer, read_answers
from serving.recognition.audio import (
    MAX_STREAM_BYTES,
    Audio,
    Utterance,
    read_utterance,
    refuse_single,
    utterance_or_error,
)
from serving.recognition.batches import READ_AT_A_TIME, ReadAhead, is_full

_Read = TypeVar("_Read")

AsyncAudio = Audio | AsyncIterable[bytes]
"""The audio of an utterance: as for `EmotionClient`, and also asynchronous iterables of bytes."""


class AsyncEmotionClient(ModelCalls):
    """Recognises emotions with a model server, in coroutines. Close it after use, or use it in an `async with`.

    It belongs to the event loop in which it was created. Audio is decoded in threads. See `ModelCalls` for the
    arguments.

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
            # In a thread: it looks at what listens at the address, and other calls go on meanwhile.
            raise await asyncio.to_thread(self._as_server_error, error) from error
        self._check_available(status)

    async def predict(self, waveform: np.ndarray, num_samples: np.ndarray) -> tuple[Mapping[str, np.ndarray], int]:
        """Make one Predict call; see `EmotionClient.predict`."""
        request = self._predict_request(waveform, num_samples)
        deadline = time.monotonic() + self._timeout
        try:
            async with asyncio.timeout(self._timeout):
                await self._places.acquire()
        except TimeoutError:
            raise timeout_error(self.server, self._timeout) from None
        try:
            response = await self._predictions.Predict(request, timeout=max(0.001, deadline - time.monotonic()))
        except grpc.RpcError as error:
            # In a thread: it looks at what listens at the address, and other calls go on meanwhile.
            raise await asyncio.to_thread(self._as_server_error, error) from error
        finally:
            self._places.release()
        return self._outputs(response)

    async def recognise(self, audio: AsyncAudio, track: Track | None = None) -> EmotionAnswer:
        """Recognise the emotion in one utterance; see `EmotionClient.recognise`."""
        [answer] = await self._answers([await _in_thread(read_utterance, audio, track)])
        if isinstance(answer, RecognitionError):
            raise answer
        return answer

    def recognise_all(
        self, audios: Iterable[AsyncAudio], track: Track | None = None
    ) -> AsyncIterator[EmotionAnswer | RecognitionError]:
        """Recognise the emotions in many utterances; see `EmotionClient.recognise_all`."""
        refuse_single(audios)
        return self._recognise_all(audios, track)

    async def _recognise_all(
        self, audios: Iterable[AsyncAudio], track: Track | None
    ) -> AsyncIterator[EmotionAnswer | RecognitionError]:
        running: set[asyncio.Task] = set()
        try:
            answers = _in_order(ReadAhead([], self.batch_size), [])
            async for utterances in _read_ahead(audios, track):
                # While these utterances were being read, the previous ones were being computed.
                coming = self._submit(utterances, running)
                async for answer in answers:
                    yield answer
                answers = coming
            async for answer in answers:
                yield answer
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _submit(
        self, utterances: list[Utterance | RecognitionError], running: set[asyncio.Task]
    ) -> AsyncIterator[EmotionAnswer | RecognitionError]:
        """Start to compute batches of utterances. The iterator awaits each answer when it is consumed."""
        ahead = ReadAhead(utterances, self.batch_size)
        submitted = [asyncio.create_task(self._answers_or_errors(batch)) for batch in ahead.batches]
        for task in submitted:
            running.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(_retrieve_exception)
        return _in_order(ahead, submitted)

    async def _answers_or_errors(self, utterances: Sequence[Utterance]) -> Sequence[EmotionAnswer | RecognitionError]:
        try:
            return await self._answers(utterances)
        except RecognitionError as error:
            if error.concerns_all:
                raise
            return [error] * len(utterances)

    async def _answers(self, utterances: Sequence[Utterance]) -> Sequence[EmotionAnswer | RecognitionError]:
        waveform, num_samples = padded_batch([one.waveform for one in utterances])
        start = time.perf_counter()
        outputs, version = await self.predict(waveform, num_samples)
        findings = [one.finding for one in utterances]
        return read_answers(outputs, self.labels, findings, version, time.perf_counter() - start)


async def _read_ahead(
    audios: Iterable[AsyncAudio], track: Track | None
) -> AsyncIterator[list[Utterance | RecognitionError]]:
    remaining = iter(audios)
    utterances: list[Utterance | RecognitionError] = []
    while some := list(islice(remaining, READ_AT_A_TIME)):
        utterances.extend(await asyncio.gather(*(_in_thread(utterance_or_error, audio, track) for audio in some)))
        if is_full(utterances):
            yield utterances
            utterances = []
    if utterances:
        yield utterances


async def _in_thread(read: Callable[[Audio, Track | None], _Read], audio: AsyncAudio, track: Track | None) -> _Read:
    """Read audio in a thread, so that the event loop is not blocked. Asynchronous streams are collected first."""
    if isinstance(audio, AsyncIterable):
        audio = await _collected(audio)
    return await asyncio.to_thread(read, audio, track)


async def _collected(stream: AsyncIterable[bytes]) -> Iterator[bytes]:
    """The pieces of a stream up to the maximum size. If reading the stream raised an error, the iterator raises it."""
    pieces, size = [], 0
    broken: OSError | None = None
    try:
        async for piece in stream:
            pieces.append(piece)
            size += len(piece)
            if size > MAX_STREAM_BYTES:
                break
    except OSError as error:
        broken = error
    return _replayed(pieces, broken)


def _replayed(pieces: Iterable[bytes], broken: OSError | None) -> Iterator[bytes]:
    yield from pieces
    if broken:
        raise broken


async def _in_order(
    ahead: ReadAhead, submitted: Sequence[asyncio.Task[Sequence[EmotionAnswer | RecognitionError]]]
) -> AsyncIterator[EmotionAnswer | RecognitionError]:
    for place in ahead.in_order():
        yield place if isinstance(place, RecognitionError) else (await submitted[place[0]])[place[1]]


def _retrieve_exception(task: asyncio.Task) -> None:
    """Retrieve a task's exception; asyncio would otherwise log it if the task fails after another one."""
    if not task.cancelled():
        task.exception()
