"""Time several implementations in turn, so that other work on the machine slows all of them down alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_UNCOUNTED = 2
"""Number of first runs of each that are not counted: they compile and fill caches."""

_PAUSE = 0.05
"""Seconds between two runs, so that the threads of the previous run have stopped spinning."""


def alternate(
    contestants: "Mapping[str, Callable[[np.ndarray], np.ndarray]]", waveform: "np.ndarray", rounds: int
) -> "tuple[dict[str, np.ndarray], dict[str, float]]":
    """Run each implementation on the same batch.

    Args:
        contestants: Implementations by name, each a function from waveforms to probabilities.
        waveform: float32 [batch, samples].
        rounds: Number of counted runs of each.

    Returns:
        The answers of each, and the median of its times in seconds.
    """
    answers: dict[str, np.ndarray] = {}
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(_UNCOUNTED + rounds):
        for name, ask in contestants.items():
            time.sleep(_PAUSE)
            started = time.perf_counter()
            answers[name] = ask(waveform)
            if number >= _UNCOUNTED:
                taken[name].append(time.perf_counter() - started)
    return answers, {name: statistics.median(times) for name, times in taken.items()}
