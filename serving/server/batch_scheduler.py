"""The queues in which calls wait to be computed together.

The rules are TensorFlow Serving's (`SharedBatchScheduler`, tensorflow/core/kernels/batching_util): a queue for
each signature of each version, some threads for all of them in turn, and a bound for each queue. Three things
differ, none of which changes an answer: a full queue is RESOURCE_EXHAUSTED where TensorFlow Serving says
UNAVAILABLE; a call whose deadline has passed is not computed though others of its batch are; and calls that
cannot be padded to each other (an empty one, or one that would blow the batch up) get batches of their own,
where TensorFlow Serving fails all that were merged.

Everything here but the computing happens on the event loop, so that there are no locks.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from serving.server.batching_settings import BatchingSettings
from serving.server.merge import Arrays, merge_inputs, merged_shape, split_outputs
from serving.server.metrics import Metrics
from serving.server.refusal import deadline_exceeded, exhausted, invalid
from serving.tensors import MAX_MESSAGE_BYTES

Function = Callable[[Arrays], Mapping[str, np.ndarray]]
"""Computes a batch; called in a thread."""


@dataclass(eq=False)
class _Task:
    """A call, or a part of one, that waits.

    Attributes:
        arrays: Its inputs.
        rows: The size of their first dimension.
        deadline: On the loop's clock.
        enqueued: On the loop's clock.
        outputs: Its rows of the batch's outputs, once they are there.
    """

    arrays: Arrays
    rows: int
    deadline: float
    enqueued: float
    outputs: asyncio.Future


@dataclass(eq=False)
class _Batch:
    tasks: list[_Task]
    rows: int
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, task: _Task) -> "_Batch":
        return cls([task], task.rows, {name: array.shape for name, array in task.arrays.items()})

    def takes(self, task: _Task, settings: BatchingSettings) -> bool:
        """Whether a call can join those that are here."""
        rows = self.rows + task.rows
        return rows <= settings.max_execution_batch_size and all(
            self._takes_input(name, array, rows, settings.pad_variable_length_inputs)
            for name, array in task.arrays.items()
        )

    def _takes_input(self, name: str, array: np.ndarray, rows: int, pad: bool) -> bool:
        shape = self.shapes[name]
        if len(shape) != array.ndim or not array.size or not math.prod(shape):
            return False
        if shape[1:] == array.shape[1:]:
            return True
        return pad and math.prod(merged_shape([shape, array.shape], rows)) * array.itemsize <= MAX_MESSAGE_BYTES

    def add(self, task: _Task) -> None:
        self.rows += task.rows
        self.tasks.append(task)
        for name, array in task.arrays.items():
            self.shapes[name] = merged_shape([self.shapes[name], array.shape], self.rows)


@dataclass(eq=False)
class _Queue:
    """Batches in the order of their first calls. Only the last can take more."""

    function: Function
    batches: deque[_Batch] = field(default_factory=deque)


class BatchScheduler:
    """Computes calls in batches; for use on one event loop.

    Args:
        settings: When calls become a batch; `None` computes each call alone.
        metrics: Where to count.
    """

    _ALONE = BatchingSettings(max_enqueued_batches=128)
    """Without batching there is a bound too: so many calls wait for a thread."""

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
        """Have a call computed, with others of its key where there are some.

        Args:
            key: Calls with the same key have the same function, inputs and ranks.
            function: Computes a batch of them.
            arrays: The call's inputs.
            rows: The size of their first dimension.
            deadline: On the loop's clock; the call is not computed after it.

        Raises:
            Refusal: If the call is too large, the queue is full, or the deadline has passed.
            Exception: What the function raised for the batch.
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
        """Wait for what is being computed and end the threads. There must be no callers any more."""
        await asyncio.gather(*self._running)
        self._threads.shutdown()

    def _task(self, arrays: Arrays, deadline: float, now: float) -> _Task:
        rows = len(next(iter(arrays.values()))) if self._merges else 1
        return _Task(arrays, rows, deadline, now, asyncio.get_running_loop().create_future())

    def _cut(self, queue: _Queue, arrays: Arrays, rows: int) -> list[Arrays]:
        """A call in parts, of which the first fills the open batch up."""
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

    def _enqueue(self, queue: _Queue, tasks: list[_Task]) -> None:
        """Put all parts of a call into a queue, or none of them."""
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
            queue.batches.append(_Batch.of(task))
            if self._settings.timeout:
                asyncio.get_running_loop().call_later(self._settings.timeout, self._compute_ready)

    def _compute_ready(self) -> None:
        """Give idle threads the batches that need not wait any more."""
        now = asyncio.get_running_loop().time()
        while self._idle and (found := self._next_batch(now)):
            self._idle -= 1
            running = asyncio.get_running_loop().create_task(self._process(*found))
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    def _next_batch(self, now: float) -> tuple[Function, _Batch] | None:
        for key, queue in list(self._queues.items()):
            if not self._is_ready(queue, now):
                continue
            batch = queue.batches.popleft()
            del self._queues[key]
            if queue.batches:
                self._queues[key] = queue  # to the end: the others come first
            return queue.function, batch
        return None

    def _is_ready(self, queue: _Queue, now: float) -> bool:
        first = queue.batches[0]
        return (
            not self._merges
            or len(queue.batches) > 1
            or first.rows >= self._settings.max_execution_batch_size
            # A timer may fire by the clock's resolution too early.
            or now >= first.tasks[0].enqueued + self._settings.timeout - 1e-6
        )

    async def _process(self, function: Function, batch: _Batch) -> None:
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

    def _still_wanted(self, batch: _Batch, now: float) -> list[_Task]:
        wanted = []
        for task in batch.tasks:
            if self._merges:
                self._metrics.left_queue(now - task.enqueued)
            if task.outputs.done():  # the caller has gone
                continue
            if task.deadline <= now:
                task.outputs.set_exception(deadline_exceeded("The deadline passed while waiting in the batching queue"))
            else:
                wanted.append(task)
        return wanted

    def _compute(self, function: Function, tasks: list[_Task]) -> Sequence[Mapping[str, np.ndarray]]:
        """In a thread."""
        if not self._merges:
            return [function(tasks[0].arrays)]
        rows = [task.rows for task in tasks]
        is_empty = any(not array.size for array in tasks[0].arrays.values())
        batch = sum(rows) if is_empty else self._settings.padded_size(sum(rows))
        outputs = function(merge_inputs([task.arrays for task in tasks], batch))
        self._metrics.ran_batch(sum(rows), batch)
        return split_outputs(outputs, rows, batch)
