"""The queues in which calls wait to be computed together.

The rules are those of TensorFlow Serving (`SharedBatchScheduler`, tensorflow/core/kernels/batching_util): a bounded
queue for each signature of each version, and threads that serve all queues in turn. Three things differ, none of which
changes an answer:

- If a queue is full, the status is RESOURCE_EXHAUSTED; TensorFlow Serving's is UNAVAILABLE.
- A call whose deadline has passed is not computed, even if other calls of its batch are.
- Calls that cannot share a batch (an empty call, or one whose padding would make the batch too large) get batches of
  their own; TensorFlow Serving fails all calls that were merged.

Everything except the computation runs on the event loop, so no locks are needed.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from serving.server.batch import Arrays, Batch, Task, merge_inputs, split_outputs
from serving.server.batching_settings import BatchingSettings
from serving.server.metrics import Metrics
from serving.server.request_error import deadline_exceeded, exhausted, invalid

Function = Callable[[Arrays], Mapping[str, np.ndarray]]
"""Function that computes a batch; it is called in a thread."""


@dataclass(eq=False)
class _Queue:
    """Batches in the order of their first calls. Only the last batch can take more calls."""

    function: Function
    batches: deque[Batch] = field(default_factory=deque)


class BatchScheduler:
    """Computes calls in batches. It must be used on one event loop.

    Args:
        settings: How calls are merged into batches; `None` computes each call alone.
        metrics: Metrics to update.
    """

    _ALONE = BatchingSettings(max_enqueued_batches=128)
    """Settings without batching, with the maximum number of calls that wait for a thread."""

    def __init__(self, settings: BatchingSettings | None, metrics: Metrics):
        self._merges = settings is not None
        self._settings = settings or self._ALONE
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(self._settings.threads, thread_name_prefix="batch")
        self._idle = self._settings.threads
        self._queues: dict[Hashable, _Queue] = {}
        self._running: set[asyncio.Task] = set()

    async def run(
        self, key: Hashable, function: Function, arrays: Arrays, *, rows: int, deadline: float = math.inf
    ) -> Mapping[str, np.ndarray]:
        """Compute a call, possibly together with other calls that have the same key.

        Args:
            key: Identifies calls that can be merged: they must have the same function, inputs and ranks.
            function: Function that computes a batch of such calls.
            arrays: Inputs of the call.
            rows: Size of the first dimension of the inputs.
            deadline: Time on the event loop's clock after which the call is not computed.

        Raises:
            RequestError: If the call is too large, the queue is full, or the deadline has passed.
            Exception: Any exception that the function raised for the batch.
        """
        now = asyncio.get_running_loop().time()
        queue = self._queues.get(key) or _Queue(function)
        tasks = [self._task(part, deadline, now) for part in self._cut(queue, arrays, rows)]
        self._enqueue(queue, tasks)
        self._queues[key] = queue
        self._compute_ready()
        if len(tasks) == 1:
            return await tasks[0].outputs
        parts = await asyncio.gather(*(task.outputs for task in tasks))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    async def close(self) -> None:
        """Wait for running computations and end the threads. No call may be waiting."""
        await asyncio.gather(*self._running)
        self._threads.shutdown()

    def _task(self, arrays: Arrays, deadline: float, now: float) -> Task:
        rows = len(next(iter(arrays.values()))) if self._merges else 1
        return Task(arrays, rows, deadline, now, asyncio.get_running_loop().create_future())

    def _cut(self, queue: _Queue, arrays: Arrays, rows: int) -> list[Arrays]:
        """Split a call into parts, the first of which fills the open batch."""
        if not self._merges:
            return [arrays]
        if rows > self._settings.max_batch_size:
            raise invalid(
                f"Task size {rows} is larger than maximum input batch size {self._settings.max_batch_size}"
            )  # fmt: skip
        largest = self._settings.max_execution_batch_size
        room = largest - queue.batches[-1].rows if queue.batches else largest
        if rows <= (room or largest) or not self._settings.split_large_calls:
            return [arrays]
        cuts = list(range(room, rows, largest)) if room else list(range(largest, rows, largest))
        starts, ends = [0, *cuts], [*cuts, rows]
        return [
            {name: array[start:end] for name, array in arrays.items()} for start, end in zip(starts, ends, strict=True)
        ]

    def _enqueue(self, queue: _Queue, tasks: list[Task]) -> None:
        """Add all parts of a call to a queue, or none of them."""
        joins = self._merges and queue.batches and queue.batches[-1].takes(tasks[0], self._settings)
        if len(queue.batches) + len(tasks) - bool(joins) > self._settings.max_enqueued_batches:
            raise exhausted(
                "The batch scheduling queue to which this task was submitted is full; currently "
                f"{len(queue.batches)} batches enqueued and max_enqueued_batches is "
                f"{self._settings.max_enqueued_batches}"
            )
        if joins:
            queue.batches[-1].add(tasks[0])
        for task in tasks[bool(joins) :]:
            queue.batches.append(Batch.of(task))
            if self._settings.timeout:
                asyncio.get_running_loop().call_later(self._settings.timeout, self._compute_ready)

    def _compute_ready(self) -> None:
        """Let idle threads compute the batches that need not wait any longer."""
        now = asyncio.get_running_loop().time()
        while self._idle and (found := self._next_batch(now)):
            self._idle -= 1
            running = asyncio.get_running_loop().create_task(self._process(*found))
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    def _next_batch(self, now: float) -> tuple[Function, Batch] | None:
        for key, queue in list(self._queues.items()):
            if not self._is_ready(queue, now):
                continue
            batch = queue.batches.popleft()
            del self._queues[key]
            if queue.batches:
                self._queues[key] = queue  # at the end, after the other queues
            return queue.function, batch
        return None

    def _is_ready(self, queue: _Queue, now: float) -> bool:
        first = queue.batches[0]
        return (
            not self._merges
            or len(queue.batches) > 1
            or first.rows >= self._settings.max_execution_batch_size
            # A timer may fire too early, by the resolution of the clock.
            or now >= first.tasks[0].enqueued + self._settings.timeout - 1e-6
        )

    async def _process(self, function: Function, batch: Batch) -> None:
        loop = asyncio.get_running_loop()
        tasks = self._still_wanted(batch, loop.time())
        outputs: Sequence = []
        try:
            if tasks:
                outputs = await loop.run_in_executor(self._threads, self._compute, function, tasks)
        except Exception as error:
            outputs = [error] * len(tasks)
        self._idle += 1
        self._compute_ready()
        for task, result in zip(tasks, outputs, strict=True):
            if task.outputs.done():
                continue
            if isinstance(result, Exception):
                task.outputs.set_exception(result)
            else:
                task.outputs.set_result(result)

    def _still_wanted(self, batch: Batch, now: float) -> list[Task]:
        wanted = []
        for task in batch.tasks:
            if self._merges:
                self._metrics.left_queue(now - task.enqueued)
            if task.outputs.done():  # the caller has cancelled
                continue
            if task.deadline <= now:
                task.outputs.set_exception(deadline_exceeded("The deadline passed while waiting in the batching queue"))
            else:
                wanted.append(task)
        return wanted

    def _compute(self, function: Function, tasks: list[Task]) -> Sequence[Mapping[str, np.ndarray]]:
        """Compute a batch; runs in a thread."""
        if not self._merges:
            return [function(tasks[0].arrays)]
        rows = [task.rows for task in tasks]
        is_empty = any(not array.size for array in tasks[0].arrays.values())
        batch = sum(rows) if is_empty else self._settings.padded_size(sum(rows))
        outputs = function(merge_inputs([task.arrays for task in tasks], batch))
        self._metrics.ran_batch(sum(rows), batch)
        return split_outputs(outputs, rows, batch)
