"""CPU time on one processor core, which other work on the machine hardly changes."""

import os
import statistics
import time
from collections.abc import Callable, Mapping


def keep_to_one_core() -> set[int]:
    """Keep this process on one core.

    Returns:
        The cores that the process could use before; empty where the system does not tell.
    """
    if not hasattr(os, "sched_setaffinity"):
        return set()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    return cores


def median_cpu_seconds(functions: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """The median CPU time of each function in seconds.

    Args:
        functions: Functions by name; they take turns, after a first run that does not count.
        rounds: Number of runs of each that count.
    """
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            started = time.process_time()
            function()
            if number:
                taken[name].append(time.process_time() - started)
    return {name: statistics.median(times) for name, times in taken.items()}
