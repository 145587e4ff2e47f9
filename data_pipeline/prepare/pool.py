"""Shards written by a pool of processes that outlives a clip which crashes or hangs the decoder.

A damaged file can end a process in native code, where Python cannot catch it. The processes therefore say in shared
memory which clip each is at: that drives the progress bar, and it tells which clip a process died of. That clip is set
aside and its shard written again.
"""

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from data_pipeline import worker_process
from data_pipeline.errors import UserError
from data_pipeline.prepare.outcome import Outcome
from data_pipeline.prepare.shards import Task, write_shard
from data_pipeline.worker_process import SECONDS_PER_CLIP

DEADLY = "ended the process that read it by crashing or hanging it: its data are broken"

_REPORTS_PER_SECOND = 10

_NOT_STARTED = -1


def write_shards(
    tasks: Sequence[Task],
    workers: int,
    on_progress: Callable[[int], object] = lambda _: None,
    seconds_per_clip: int = SECONDS_PER_CLIP,
) -> Iterator[tuple[Task, Outcome]]:
    """Write shards, several at a time.

    Args:
        tasks: What to write.
        workers: How many processes.
        on_progress: Called several times a second with the number of clips done.
        seconds_per_clip: After which a process that is still at the same clip is ended.

    Yields:
        Each task with its outcome, in the order in which they are finished.

    Raises:
        UserError: If the disk refuses, or processes die that are at no clip.
    """
    waiting = list(tasks)
    finished = 0

    def report(done: int) -> None:
        on_progress(finished + done)

    while waiting:
        with _Pool(waiting, min(workers, len(waiting)), seconds_per_clip) as pool:
            for task, outcome in pool.outcomes(report):
                finished += len(task.shard.clips)
                yield task, outcome
        in_work = pool.in_work()
        waiting = pool.untouched()
        # One of these is to blame, and which cannot be told: when one process dies, all others are ended.
        for task in in_work:
            outcome = _write_alone(task, report, seconds_per_clip)
            finished += len(task.shard.clips)
            yield task, outcome


def warm_up() -> None:
    """Begin to start the processes, which takes a third of a second, while the caller still plans what they will do."""
    worker_process.warm_up(__name__)


def _write_alone(task: Task, on_progress: Callable[[int], object], seconds_per_clip: int) -> Outcome:
    """Write a shard in a process of its own, again and again without the clips that kill it twice."""
    suspect = _NOT_STARTED
    while True:
        with _Pool([task], 1, seconds_per_clip) as pool:
            for _, outcome in pool.outcomes(on_progress):
                return outcome
        (index,) = pool.positions()
        if index == _NOT_STARTED or index in task.avoid:
            raise UserError(
                f"the process that should write {task.shard.name} died: make sure that there is enough memory, "
                "or use fewer workers"
            )
        # Once may have been chance: too little memory for a moment, a network that stood still.
        if index == suspect:
            task = replace(task, avoid={**task.avoid, index: DEADLY})
        suspect = index


class _Pool:
    """One executor's life: some tasks, until they are done or a process dies."""

    def __init__(self, tasks: Sequence[Task], workers: int, seconds_per_clip: int) -> None:
        self._tasks = list(tasks)
        self._done: set[int] = set()
        context = worker_process.context(__name__)
        self._positions = context.Array("q", [_NOT_STARTED] * len(tasks), lock=False)
        self._stop = context.Event()
        self._executor = ProcessPoolExecutor(
            workers, context, initializer=_start_worker, initargs=(self._positions, self._stop, seconds_per_clip)
        )

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._executor.shutdown(cancel_futures=True)

    def outcomes(self, on_progress: Callable[[int], object]) -> Iterator[tuple[Task, Outcome]]:
        """Each task with its outcome until all are done or a process dies."""
        futures: dict[Future[Outcome], int] = {}
        # The first task starts all processes.
        with contextlib.suppress(BrokenProcessPool), worker_process.without_main():
            for number, task in enumerate(self._tasks):
                futures[self._executor.submit(_write, number, task)] = number
        while futures:
            done, _ = wait(futures, 1 / _REPORTS_PER_SECOND, FIRST_COMPLETED)
            # Of the shards that were handed out already, the caller keeps count.
            on_progress(sum(max(place, 0) for number, place in enumerate(self._positions) if number not in self._done))
            for future in done:
                number = futures.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    continue
                self._done.add(number)
                yield self._tasks[number], outcome

    def in_work(self) -> list[Task]:
        """Tasks that were begun and not finished."""
        return [self._tasks[number] for number in self._unfinished() if self._positions[number] != _NOT_STARTED]

    def untouched(self) -> list[Task]:
        """Tasks that were not begun.

        Raises:
            UserError: If none was begun or finished, so that trying again is of no use.
        """
        left = [self._tasks[number] for number in self._unfinished() if self._positions[number] == _NOT_STARTED]
        if len(left) == len(self._tasks):
            raise UserError("no worker process could be started: make sure that there is enough memory")
        return left

    def positions(self) -> list[int]:
        """The clip that each task is at."""
        return list(self._positions)

    def _unfinished(self) -> list[int]:
        return [number for number in range(len(self._tasks)) if number not in self._done]


class _Stopped(Exception):
    """The run has failed elsewhere, or was interrupted, so that this shard need not be finished."""


_worker: dict[str, Any] = {}
"""What `_start_worker` was given: the only way for an executor to hand shared memory to its processes."""


def _start_worker(positions: Any, stop: Any, seconds_per_clip: int) -> None:
    _worker.update(positions=positions, stop=stop, seconds_per_clip=seconds_per_clip)
    worker_process.start()


def _write(number: int, task: Task) -> Outcome:
    def on_clip(index: int) -> None:
        if _worker["stop"].is_set():
            raise _Stopped
        _worker["positions"][number] = index
        signal.alarm(_worker["seconds_per_clip"])

    try:
        return write_shard(task, on_clip)
    finally:
        signal.alarm(0)
