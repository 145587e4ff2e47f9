"""Run several trainings of a benchmark in parallel, each on its share of the processor cores.

A training on all cores waits for the slowest core at the end of every operation, and cannot read ahead while it
computes. On two cores, two trainings with one core each get 1.4 times as far as one after the other.
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
    """Run the benchmark that was started several times, each in its own process, and print their output as it comes.

    Args:
        arguments: Arguments of the command line of each run, by a name that is printed before its lines.
        at_once: Number of runs at a time, among which the cores are divided. At most one run per core.

    Raises:
        UserError: If a run fails; the other runs are finished first.
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
        raise UserError(f"{', '.join(failed)} failed, see above; the same command continues where it stopped")


def _run(name: str, arguments: Sequence[str], shares: "queue.SimpleQueue[list[int]]") -> int:
    share = shares.get()
    # The affinity of this thread is inherited by the process that it starts, which then uses as many threads as cores.
    os.sched_setaffinity(0, share)
    # The command with which this benchmark was started: `python -m benchmarks.NAME`.
    command = [sys.executable, "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *arguments]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout or ():
                typer.echo(f"{name}: {line.rstrip()}")
        return process.returncode
    finally:
        shares.put(share)
