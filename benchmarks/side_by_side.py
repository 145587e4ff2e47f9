"""Trainings of a benchmark side by side, each with its share of the processor.

A training on all cores waits at the end of every operation for the slowest of them, and cannot read ahead while it
computes. On two cores, two trainings with one each get 1.4 times as far as one after the other.
"""

import os
import queue
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import typer

from data_pipeline.errors import UserError


def run_side_by_side(arguments: Mapping[str, Sequence[str]], at_once: int) -> None:
    """Run this benchmark several times, each time in a process of its own, and show what each says as it says it.

    Args:
        arguments: Of the command line, by what the run is called before its lines.
        at_once: How many run at a time, each on so many of the cores; as many as there are cores at most.

    Raises:
        UserError: If one of them fails; the others are finished first.
    """
    cores = sorted(os.sched_getaffinity(0))
    at_once = min(at_once, len(cores), len(arguments))
    shares: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    for number in range(at_once):
        shares.put(cores[number::at_once])
    with ThreadPoolExecutor(at_once) as threads:
        running = {name: threads.submit(_run, name, given, shares) for name, given in arguments.items()}
        failed = [name for name, one in running.items() if one.result()]
    if failed:
        raise UserError(f"{', '.join(failed)} failed, see above; the same command goes on where it stopped")


def _run(name: str, arguments: Sequence[str], shares: "queue.SimpleQueue[list[int]]") -> int:
    share = shares.get()
    # Of this thread, and so of the process that it starts, which then has as many threads as cores.
    os.sched_setaffinity(0, share)
    # As it was started itself: `python -m benchmarks.NAME`, from here.
    command = [sys.executable, "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *arguments]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout or ():
                typer.echo(f"{name}: {line.rstrip()}")
        return process.returncode
    finally:
        shares.put(share)
