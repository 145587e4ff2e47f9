"""A function applied to many recordings by several processes, of which any may crash or hang on a damaged file."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from data_pipeline import worker_process
from data_pipeline.errors import UserError
from data_pipeline.worker_process import SECONDS_PER_CLIP

Item = TypeVar("Item")
Result = TypeVar("Result")

_BATCH = 16
"""Items handed over at a time: sending one costs as much as measuring a tenth of one."""

_AHEAD = 3
"""Batches waiting for each process, so that none is idle and memory does not grow with the number of items."""


def in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    lost: Callable[[Item], Result],
    on_done: Callable[[int], object] = lambda _: None,
) -> list[Result]:
    """Apply a function to items.

    Args:
        function: Of a module that imports no TensorFlow, since every process imports it; pickled by name.
        items: What to apply it to.
        workers: How many processes.
        lost: The result for an item at which a process crashed or hung.
        on_done: Called with the number of items done since the last call.

    Returns:
        The result of each item, in order, whatever the number of processes.

    Raises:
        UserError: If processes cannot be started.
    """
    results: dict[int, Result] = {}

    def keep(places: Iterable[int], values: Sequence[Result]) -> None:
        results.update(zip(places, values, strict=True))
        on_done(len(values))

    waiting = deque(range(start, min(start + _BATCH, len(items))) for start in range(0, len(items), _BATCH))
    while waiting:
        broken = _run(function, items, waiting, workers, _AHEAD * workers, keep)
        # One of these is to blame, and which cannot be told, since all processes are ended when one dies. One at a
        # time, it can.
        suspects = deque(range(place, place + 1) for batch in broken for place in batch)
        while suspects:
            for culprit in _run(function, items, suspects, 1, 1, keep):
                _make_sure_of_processes()
                keep(culprit, [lost(items[place]) for place in culprit])
    return [results[place] for place in range(len(items))]


def _run(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    waiting: deque[range],
    workers: int,
    most: int,
    keep: Callable[[Iterable[int], Sequence[Result]], None],
) -> list[range]:
    """One executor's life: batches are taken from `waiting`, no more than `most` of them at a time, until none is left
    or a process dies.

    Returns:
        Batches that were handed out and got no result.
    """
    futures: dict[Future[list[Result]], range] = {}
    broken: list[range] = []
    executor = _executor(function.__module__, workers)
    try:
        while futures or (waiting and not broken):
            while waiting and not broken and len(futures) < most:
                batch = waiting.popleft()
                try:
                    with worker_process.without_main():
                        future = executor.submit(_apply, function, [items[place] for place in batch])
                    futures[future] = batch
                except BrokenProcessPool:
                    broken.append(batch)
            for future in wait(futures, return_when=FIRST_COMPLETED).done:
                batch = futures.pop(future)
                try:
                    keep(batch, future.result())
                except BrokenProcessPool:
                    broken.append(batch)
    finally:
        executor.shutdown(cancel_futures=True)
    return broken


def _make_sure_of_processes() -> None:
    executor = _executor(__name__, 1)
    try:
        with worker_process.without_main():
            future = executor.submit(os.getpid)
        future.result()
    except BrokenProcessPool as error:
        raise UserError("worker processes cannot be started: make sure that there is enough memory") from error
    finally:
        executor.shutdown()


def _executor(module: str, workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, worker_process.context(__name__, module), initializer=worker_process.start)


def _apply(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    results = []
    for item in items:
        signal.alarm(SECONDS_PER_CLIP)
        results.append(function(item))
    signal.alarm(0)
    return results
