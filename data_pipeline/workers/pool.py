"""Tasks carried out by several processes. An item that crashes or hangs its process is skipped; all others are done.

A damaged file can end a process in native code, where Python cannot catch it. The processes therefore write into
shared memory which item they are at. That drives the progress bar, and it tells which item a process died at.
"""

import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Generic, Protocol, Self, TypeVar

from data_pipeline.errors import UserError
from data_pipeline.workers import process

SECONDS_PER_ITEM = 120
"""A process that is at the same item for longer is ended: two orders of magnitude above the time that the longest
admissible file takes."""

_AHEAD = 3
"""Tasks handed over per process, so that none is idle and memory does not grow with the number of tasks."""

_ITEMS_PER_TASK = 16
"""Items that `map_items` hands over together: handing over one costs as much as a tenth of measuring it."""

_REPORTS_PER_SECOND = 10

_NOT_STARTED = -1

Item = TypeVar("Item")
Result = TypeVar("Result")
Produced = TypeVar("Produced", covariant=True)


class Task(Protocol[Produced]):
    """Work on several items that one process does. It is pickled, and its module must not import TensorFlow."""

    def __len__(self) -> int:
        """Number of items."""

    def run(self, on_item: Callable[[int], object]) -> Produced:
        """Do the work.

        Args:
            on_item: To be called with the index of each item before the item is touched.
        """

    def without(self, index: int) -> Self:
        """The same task, with one more item skipped.

        Args:
            index: Index of the item at which the process died twice.
        """


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Result]):
    """A task in the hands of a pool.

    Attributes:
        number: Place of the task among all tasks.
        task: The task.
        position: Index of the item that it was at when a process died, `_NOT_STARTED` if it was at none.
    """

    number: int
    task: Task[Result]
    position: int = _NOT_STARTED


def run_tasks(
    tasks: Iterable[Task[Result]],
    workers: int,
    purpose: str,
    *,
    modules: Sequence[str] = (),
    on_progress: Callable[[int], object] = lambda _: None,
    seconds_per_item: int = SECONDS_PER_ITEM,
) -> Iterator[tuple[int, Result]]:
    """Carry out tasks, several at a time.

    Where a process dies, the tasks that had been started are repeated one at a time, since all processes are ended
    with the one. An item at which a task dies alone twice is skipped; once may have been chance, such as too little
    memory for a moment.

    Args:
        tasks: The tasks; they are taken from the iterable as processes become free.
        workers: Number of processes.
        purpose: What the processes do, for messages (`wrote records`).
        modules: Names of the modules that every process needs, which are then imported only once.
        on_progress: Called several times a second with the number of items that are done.
        seconds_per_item: Seconds after which a process that is still at the same item is ended.

    Yields:
        The number of each task, counted from 0, with its result, in the order in which tasks are finished.

    Raises:
        UserError: If processes cannot be started or die at no item, or a task raises one.
    """
    waiting: Iterator[_Entry[Result]] = (_Entry(number, task) for number, task in enumerate(tasks))
    settings = (modules, seconds_per_item)
    done = 0

    def report(started: int) -> None:
        on_progress(done + started)

    while True:
        with _Pool[Result](workers, *settings) as pool:
            for entry, result in pool.results(waiting, report):
                done += len(entry.task)
                yield entry.number, result
        if not pool.lost:
            on_progress(done)
            return
        started = [entry for entry in pool.lost if entry.position != _NOT_STARTED]
        if not started and not pool.finished_any:
            raise UserError("worker processes cannot be started: make sure that there is enough memory")
        for entry in started:
            result = _run_alone(entry, settings, purpose, report)
            done += len(entry.task)
            yield entry.number, result
        waiting = chain((entry for entry in pool.lost if entry.position == _NOT_STARTED), waiting)


def _run_alone(
    entry: _Entry[Result], settings: tuple[Sequence[str], int], purpose: str, report: Callable[[int], object]
) -> Result:
    """Carry out a task in a process of its own, again and again without the items at which the process dies twice."""
    entry = replace(entry, position=_NOT_STARTED)
    skipped: set[int] = set()
    while True:
        with _Pool[Result](1, *settings) as pool:
            for _, result in pool.results(iter([entry]), report):
                return result
        position = pool.lost[0].position
        if position == _NOT_STARTED or position in skipped:
            raise UserError(
                f"a process that {purpose} died: make sure that there is enough memory, or use fewer workers"
            )
        if position == entry.position:
            entry = replace(entry, task=entry.task.without(position))
            skipped.add(position)
        entry = replace(entry, position=position)


class _Pool(Generic[Result]):
    """The life of one executor: until all tasks are done or a process dies.

    Attributes:
        lost: Tasks that were handed over and have no result, once a process has died.
        finished_any: Whether any task has a result.
    """

    def __init__(self, workers: int, modules: Sequence[str], seconds_per_item: int) -> None:
        self.lost: list[_Entry[Result]] = []
        self.finished_any = False
        self._free = list(range(_AHEAD * workers))
        context = process.context(__name__, *modules)
        self._positions = context.Array("q", len(self._free), lock=False)
        self._stop = context.Event()
        self._executor = ProcessPoolExecutor(
            workers, context, initializer=_start_worker, initargs=(self._positions, self._stop, seconds_per_item)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._executor.shutdown(cancel_futures=True)

    def results(
        self, waiting: Iterator[_Entry[Result]], report: Callable[[int], object]
    ) -> Iterator[tuple[_Entry[Result], Result]]:
        """Take tasks from an iterator and yield each with its result."""
        running: dict[Future[Result], tuple[int, _Entry[Result]]] = {}
        while True:
            while self._free and not self.lost and (entry := next(waiting, None)):
                self._submit(entry, running)
            if not running:
                return
            finished, _ = wait(running, 1 / _REPORTS_PER_SECOND, FIRST_COMPLETED)
            report(sum(max(self._positions[slot], 0) for slot, _ in running.values()))
            for future in finished:
                slot, entry = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    self.lost.append(replace(entry, position=self._positions[slot]))
                    continue
                self._free.append(slot)
                self.finished_any = True
                yield entry, result

    def _submit(self, entry: _Entry[Result], running: dict[Future[Result], tuple[int, _Entry[Result]]]) -> None:
        slot = self._free.pop()
        self._positions[slot] = _NOT_STARTED
        try:
            with process.without_main():
                running[self._executor.submit(_run, slot, entry.task)] = slot, entry
        except BrokenProcessPool:
            self.lost.append(replace(entry, position=_NOT_STARTED))


class _Stopped(Exception):
    """The run has failed elsewhere, or was interrupted, so that this task need not be finished."""


_worker: dict[str, Any] = {}
"""What `_start_worker` was given: the only way for an executor to hand shared memory to its processes."""


def _start_worker(positions: Any, stop: Any, seconds_per_item: int) -> None:
    _worker.update(positions=positions, stop=stop, seconds_per_item=seconds_per_item)
    process.start()


def _run(slot: int, task: Task[Result]) -> Result:
    def on_item(index: int) -> None:
        if _worker["stop"].is_set():
            raise _Stopped
        _worker["positions"][slot] = index
        signal.alarm(_worker["seconds_per_item"])

    try:
        return task.run(on_item)
    finally:
        signal.alarm(0)


def map_items(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_progress: Callable[[int], object] = lambda _: None,
) -> list[Result | None]:
    """Apply a function to items.

    Args:
        function: A function of a module that imports no TensorFlow, since every process imports it.
        items: What to apply it to.
        workers: Number of processes.
        on_progress: Called several times a second with the number of items that are done.

    Returns:
        The result of each item, in order, whatever the number of processes; None for an item at which a process
        crashed or hung.

    Raises:
        UserError: If processes cannot be started.
    """
    starts = range(0, len(items), _ITEMS_PER_TASK)
    tasks = [_Batch(function, items[start : start + _ITEMS_PER_TASK]) for start in starts]
    if not tasks:
        return []
    modules = (function.__module__,)
    done = dict(run_tasks(tasks, workers, "measured audio", modules=modules, on_progress=on_progress))
    return [result for number in range(len(tasks)) for result in done[number]]


@dataclass(frozen=True, slots=True)
class _Batch(Generic[Item, Result]):
    """A function to be applied to some items.

    Attributes:
        function: The function.
        items: The items.
        skipped: Indices of items whose result is None.
    """

    function: Callable[[Item], Result]
    items: Sequence[Item]
    skipped: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.items)

    def run(self, on_item: Callable[[int], object]) -> list[Result | None]:
        """See `Task.run`."""
        results: list[Result | None] = []
        for index, item in enumerate(self.items):
            on_item(index)
            results.append(None if index in self.skipped else self.function(item))
        return results

    def without(self, index: int) -> "_Batch[Item, Result]":
        """See `Task.without`."""
        return replace(self, skipped=self.skipped | {index})
