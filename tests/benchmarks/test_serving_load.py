"""The load script with servers whose behaviour is known."""

import itertools
import json
import math
import os
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest

from benchmarks.load.batching_comparison import unbatched_ways
from benchmarks.load.callers import OK, Call, closed_loop, open_loop
from benchmarks.load.server_counts import ServerCounts, read_counts
from benchmarks.load.summary import LoadSummary
from benchmarks.load.workload import clips, poisson_arrivals, requests
from serving.tensors import to_array
from tests.benchmarks.test_benchmarks import run
from tests.serving.client.fake_server import fake_server, happy

QUESTIONS = requests("ser", clips(0.1, 0.2))
NOTHING = ServerCounts(0.0)


def test_arrivals_are_those_of_a_poisson_process():
    times = poisson_arrivals(50, 100, seed=3)
    assert abs(len(times) - 5_000) < 4 * math.sqrt(5_000)
    assert (np.diff(times) >= 0).all()
    assert 0 <= times[0] < times[-1] < 100
    waits = np.diff(times)
    assert np.std(waits) == pytest.approx(np.mean(waits), rel=0.1), "waits of an exponential distribution"
    np.testing.assert_array_equal(times, poisson_arrivals(50, 100, seed=3))


def test_calls_are_about_one_clip_each_and_as_long_as_asked_for():
    lengths = set()

    def predict(request, context):
        assert request.model_spec.name == "ser"
        [samples] = to_array(request.inputs["num_samples"])
        assert to_array(request.inputs["waveform"]).shape == (1, samples)
        lengths.add(samples / 16_000)
        return happy(request)

    with fake_server(predict) as address:
        calls = open_loop(address, QUESTIONS, np.linspace(0, 0.3, 40), timeout=10)
    assert [call.code for call in calls] == [OK] * 40
    assert min(lengths) == pytest.approx(0.1, abs=1e-3)
    assert max(lengths) == pytest.approx(0.2, abs=1e-3)


def test_latency_counts_from_when_the_call_was_to_be_made():
    """The server takes a tenth of a second per call, one at a time, so the tenth call waits for nine others."""
    one_at_a_time = threading.Lock()

    def predict(request, context):
        with one_at_a_time:
            time.sleep(0.1)
            return happy(request)

    with fake_server(predict) as address:
        calls = open_loop(address, QUESTIONS, np.zeros(10), timeout=10)
    latencies = sorted(call.latency for call in calls)
    assert latencies[0] >= 0.1
    assert latencies[-1] >= 1.0
    assert all(late - early >= 0.09 for early, late in itertools.pairwise(latencies))


def test_callers_who_wait_make_no_more_calls_at_a_time_than_they_are():
    lock, now, most = threading.Lock(), [], []

    def predict(request, context):
        with lock:
            now.append(1)
            most.append(len(now))
        time.sleep(0.01)
        with lock:
            now.pop()
        return happy(request)

    with fake_server(predict) as address:
        calls = closed_loop(address, QUESTIONS, callers=5, seconds=0.5, timeout=10)
    assert max(most) == 5
    assert len(calls) == len(most)


def test_errors_are_told_by_their_codes():
    numbers = iter(range(100))

    def predict(request, context):
        match next(numbers) % 4:
            case 0:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
            case 1:
                return happy(request, status=np.array([3], np.int32))
            case 2:
                return happy(request, probabilities=np.full((1, 6), np.nan, np.float32))
        return happy(request)

    with fake_server(predict) as address:
        calls = open_loop(address, QUESTIONS, np.linspace(0, 0.2, 20), timeout=10)
    summary = LoadSummary.of("name", calls, 0.2, NOTHING, ServerCounts(1.0))
    assert summary.errors == {"RESOURCE_EXHAUSTED": 5, "NOT_FINITE": 5, "NOT_FINITE_ANSWER": 5}
    assert summary.answered <= 5 / 0.2


def test_a_summary():
    calls = [Call(i / 100, i / 100 + (i + 1) / 1_000, OK) for i in range(100)] + [Call(0.5, 1.5, "UNAVAILABLE")]
    page_before = ServerCounts(10.0, cpu_seconds=3.0, calls=50, runs=20, batches={1.0: 10, 2.0: 15, 4.0: 20})
    page_after = ServerCounts(12.0, cpu_seconds=6.0, calls=150, runs=45, batches={1.0: 20, 2.0: 25, 4.0: 45})
    summary = LoadSummary.of("name", calls, 1.0, page_before, page_after)
    assert summary.offered == 101
    assert summary.answered == pytest.approx(100 / 1.5)
    assert summary.p50 == pytest.approx(50.5)
    assert summary.p99 == pytest.approx(99.01)
    assert summary.slowest == pytest.approx(100)
    assert summary.drain == pytest.approx(0.5)
    assert summary.calls_a_batch == 4
    assert summary.batch_sizes == {"1": 10, "4": 15}
    assert summary.server_cpu == 1.5
    nobody = LoadSummary.of("name", [Call(0, 1, "UNAVAILABLE")], 1.0, NOTHING, ServerCounts(1.0))
    assert json.loads(json.dumps(nobody.as_document(), allow_nan=False))["p50"] is None


def test_counts_of_this_process():
    first = read_counts(os.getpid(), None)
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    second = read_counts(os.getpid(), None)
    assert (second - first).cpu_seconds >= 0.15
    assert math.isnan((second - first).calls_a_batch)


def test_several_unbatched_servers_are_tried(tmp_path):
    ways = unbatched_ways(tmp_path)
    assert len(ways) >= 4
    for options, _ in ways.values():
        assert options == ["--no-batching"] or "max_batch_size { value: 1 }" in Path(options[1]).read_text()


def test_the_script_asks_a_server_that_is_there(tmp_path):
    with fake_server(lambda request, context: happy(request)) as address:
        done = run(
            "serving_load", "--server", address, "--rate", "20,200%", "--seconds", 0.5, "--callers", 2,
            "--clip", "0.1-0.2", "--json", tmp_path / "load.json", "--plot", tmp_path / "load.png",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    waiting, slow, fast = json.loads((tmp_path / "load.json").read_text())
    assert waiting["answered"] > slow["answered"] > 5
    assert fast["offered"] > waiting["answered"]
    assert (tmp_path / "load.png").read_bytes().startswith(b"\x89PNG")
    for word in ("offered/s", "p99 ms", "errors: none"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seconds", "1"], "either --spawn MODELS or --server HOST:PORT"),
        (["--server", "a:1", "--compare"], "--compare starts its own servers"),
        (["--server", "a:1", "--rate", "fast"], "--rate fast is no rate"),
        (
            ["--server", "a:1", "--rate", "50%", "--callers", "0"],
            "--rate 50% is a share of the throughput of --callers",
        ),
        (["--server", "a:1", "--clip", "5-1"], "--clip 5-1 is no length"),
        (["--spawn", "nowhere"], "there is no nowhere/models.config"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(arguments, sentence):
    done = run("serving_load", *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
