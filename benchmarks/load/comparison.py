"""What a server costs a single call, and what batching brings many."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.load.callers import OK, closed_loop
from benchmarks.load.model_server import ModelServer, spawned
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.errors import UserError
from serving.client import EmotionClient, Samples
from serving.server.recogniser_in_process import InProcessRecogniser

_TIMEOUT = 60.0

_SETTLING = 0.25
"""Of a closed loop's seconds, those at its start that do not count."""


@dataclass(frozen=True, slots=True)
class SingleCall:
    """Medians, in milliseconds, of one clip at a time.

    Attributes:
        in_process: The SavedModel in this process.
        server: The client and a server.
    """

    in_process: float
    server: float

    @property
    def ratio(self) -> float:
        """How many times the in-process call the server's takes."""
        return self.server / self.in_process


@dataclass(frozen=True, slots=True)
class Throughput:
    """Answers a second.

    Attributes:
        unbatched: Of each server without batching that was tried.
        best: Which of them was the fastest.
        best_unbatched: That one's, in rounds that alternate with the next.
        batched: With the repository's own `batching.config`.
    """

    unbatched: Mapping[str, float]
    best: str
    best_unbatched: float
    batched: float

    @property
    def ratio(self) -> float:
        """How many times the best unbatched throughput batching gives."""
        return self.batched / self.best_unbatched


def single_call(server: ModelServer, version: Path, name: str, seconds: float, rounds: int = 10) -> SingleCall:
    """Ask about one clip again and again, here and there in turn.

    Args:
        server: With the repository's own `batching.config`.
        version: The same model's folder.
        name: The model's name.
        seconds: Length of the clip.
        rounds: Of twenty calls to each.

    Returns:
        The medians over all calls.
    """
    clip = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * SAMPLE_RATE)).astype(np.float32)
    here = InProcessRecogniser(version)
    with EmotionClient(server.address, name) as there:
        taken: dict[str, list[float]] = {"here": [], "there": []}
        for number in range(rounds + 1):
            for place, recogniser in (("here", here), ("there", there)):
                for _ in range(20):
                    start = time.perf_counter()
                    recogniser.recognise(Samples(clip, SAMPLE_RATE))
                    if number:
                        taken[place].append(time.perf_counter() - start)
    return SingleCall(1_000 * statistics.median(taken["here"]), 1_000 * statistics.median(taken["there"]))


def throughput(
    models: Path,
    scratch: Path,
    requests: Sequence[bytes],
    callers: int,
    seconds: float,
    rounds: int,
    say: Callable[[str], None],
) -> Throughput:
    """Let callers that wait for their answers ask unbatched servers and a batching one.

    Args:
        models: The model repository.
        scratch: An empty folder.
        requests: See `closed_loop`.
        callers: How many there are.
        seconds: Of each measurement.
        rounds: In which the best unbatched server and the batching one take turns; the medians count.
        say: Is told of each measurement.
    """
    ways = unbatched_ways(scratch)
    unbatched = {}
    for way, (options, environment) in ways.items():
        with spawned(models, options, environment) as server:
            unbatched[way] = _answers_a_second(server, requests, callers, seconds)
        say(f"unbatched, {way}: {unbatched[way]:.1f} answers/s")
    best = max(unbatched, key=lambda way: unbatched[way])
    with ExitStack() as stack:
        servers = [stack.enter_context(spawned(models, *ways[best])), stack.enter_context(spawned(models))]
        found: list[list[float]] = [[], []]
        for _ in range(rounds):
            for measured, server in zip(found, servers, strict=True):
                measured.append(_answers_a_second(server, requests, callers, seconds))
            say(f"unbatched, {best}: {found[0][-1]:.1f} answers/s; batched: {found[1][-1]:.1f}")
    return Throughput(unbatched, best, statistics.median(found[0]), statistics.median(found[1]))


def unbatched_ways(scratch: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Ways to run a server without batching: calls computed at a time, and threads that compute each.

    Args:
        scratch: For configuration files.

    Returns:
        Options of `ser serve` and variables, by what they mean.
    """
    ways: dict[str, tuple[list[str], dict[str, str]]] = {"as it comes": (["--no-batching"], {})}
    for calls, threads in ((1, 2), (2, 1), (2, 2), (4, 1)):
        file = scratch / f"{calls}.config"
        file.write_text(
            "max_batch_size { value: 1 } allowed_batch_sizes: 1 batch_timeout_micros { value: 0 } "
            f"num_batch_threads {{ value: {calls} }} max_enqueued_batches {{ value: 1000 }}"
        )
        options = ["--batching-parameters-file", str(file), "--tensorflow-intra-op-parallelism", str(threads)]
        ways[f"{calls} at a time on {threads} threads"] = (options, {"TF_NUM_INTEROP_THREADS": str(calls)})
    return ways


def _answers_a_second(server: ModelServer, requests: Sequence[bytes], callers: int, seconds: float) -> float:
    calls = closed_loop(server.address, requests, callers, seconds, _TIMEOUT)
    wrong = {call.code for call in calls} - {OK}
    if wrong:
        raise UserError(f"{server.address} did not answer all calls ({', '.join(sorted(wrong))}): look at its output")
    start = min(call.intended for call in calls)
    begin, end = start + _SETTLING * seconds, start + seconds
    return sum(begin <= call.finished < end for call in calls) / (end - begin)
