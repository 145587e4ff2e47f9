"""Compare a single call to a server with the model in process, and a batching server with unbatched ones."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.callers import OK, closed_loop
from benchmarks.load.model_server import ModelServer, spawned
from benchmarks.machine_speech import speech
from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.errors import UserError
from serving.client import EmotionClient, Samples
from serving.server.recogniser_in_process import InProcessRecogniser

_TIMEOUT = 60.0

_SETTLING = 0.25
"""Share of a closed loop's duration, at its start, that is not counted."""


@dataclass(frozen=True, slots=True)
class SingleCall:
    """Median latencies in milliseconds of one clip at a time.

    Attributes:
        in_process: Latency of the SavedModel in this process.
        server: Latency of a server, measured in the client.
    """

    in_process: float
    server: float

    @property
    def ratio(self) -> float:
        """Latency of the server divided by that of the model in process."""
        return self.server / self.in_process


@dataclass(frozen=True, slots=True)
class Throughput:
    """Answers per second.

    Attributes:
        unbatched: Throughput of each server without batching that was tried, by its configuration.
        best: Configuration of the fastest of them.
        best_unbatched: Throughput of the fastest, in rounds that alternate with those of the batching server.
        batched: Throughput of a server with the repository's own `batching.config`.
    """

    unbatched: Mapping[str, float]
    best: str
    best_unbatched: float
    batched: float

    @property
    def ratio(self) -> float:
        """Throughput with batching divided by the best throughput without."""
        return self.batched / self.best_unbatched


def single_call(server: ModelServer, version: Path, name: str, seconds: float, rounds: int = 10) -> SingleCall:
    """Send one clip repeatedly, in turn to the model in process and to a server.

    Args:
        server: Server with the repository's own `batching.config`.
        version: Folder of the same version of the model.
        name: Name of the model.
        seconds: Length of the clip in seconds.
        rounds: Number of rounds of twenty calls to each.

    Returns:
        The medians over all calls.
    """
    clip = speech(seconds, 0)
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
    """Measure unbatched servers and a batching server with callers that wait for their answers.

    Args:
        models: Folder of the model repository.
        scratch: An empty folder for configuration files.
        requests: See `closed_loop`.
        callers: Number of callers.
        seconds: Duration of each measurement in seconds.
        rounds: Number of rounds in which the best unbatched server and the batching one are measured in turn; the
            medians count.
        say: Function that receives a line about each measurement.
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
    """Ways to run a server without batching, with several numbers of concurrent computations and threads.

    Args:
        scratch: Folder for configuration files.

    Returns:
        Options of `ser serve` and environment variables, by a description of the configuration.
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
