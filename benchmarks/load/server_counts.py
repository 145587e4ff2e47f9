"""A server's counts so far, from its Prometheus metrics and, for its processor time, from the operating system."""

import math
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

_PREFIX = ":tensorflow:serving:"
_CALLS = f"{_PREFIX}batching_session:queuing_latency_count"
_RUNS = f"{_PREFIX}batching_session:wrapped_run_count"
_BATCH_SIZES = f"{_PREFIX}batching:processed_batch_size_bucket"


@dataclass(frozen=True)
class ServerCounts:
    """Counts that only increase. Their difference before and after a run describes the run.

    Attributes:
        wall_seconds: Time in seconds.
        cpu_seconds: Processor time of the server's process in seconds; nan if unknown.
        calls: Number of calls that went through the queue; nan if the server does not report it.
        runs: Number of computations of a model; nan if the server does not report it.
        batches: Cumulative number of batches, by the upper limit of their number of rows.
    """

    wall_seconds: float
    cpu_seconds: float = math.nan
    calls: float = math.nan
    runs: float = math.nan
    batches: dict[float, float] = field(default_factory=dict)

    def __sub__(self, earlier: "ServerCounts") -> "ServerCounts":
        return ServerCounts(
            self.wall_seconds - earlier.wall_seconds,
            self.cpu_seconds - earlier.cpu_seconds,
            self.calls - earlier.calls,
            self.runs - earlier.runs,
            {limit: count - earlier.batches.get(limit, 0) for limit, count in self.batches.items()},
        )

    @property
    def calls_a_batch(self) -> float:
        """Mean number of calls in a batch; nan if there were no batches."""
        return self.calls / self.runs if self.runs else math.nan

    @property
    def batch_sizes(self) -> dict[str, int]:
        """Number of batches by the upper limit of their number of rows, without those below the next smaller limit."""
        sizes, smaller = {}, 0.0
        for limit, count in sorted(self.batches.items()):
            if count > smaller:
                sizes[f"{limit:g}"] = int(count - smaller)
            smaller = count
        return sizes


def read_counts(pid: int | None, metrics: str | None) -> ServerCounts:
    """Read the counts of a server.

    Args:
        pid: Process id, if the server runs on this machine under Linux.
        metrics: URL of its Prometheus page, if it has one.
    """
    page = _page(metrics) if metrics else ""
    values: dict[str, float] = {}
    batches: dict[float, float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == _BATCH_SIZES:
                limit = float(sample.labels["le"])
                batches[limit] = batches.get(limit, 0) + sample.value
            else:
                values[sample.name] = values.get(sample.name, 0) + sample.value
    unknown = 0.0 if page else math.nan
    return ServerCounts(
        time.perf_counter(),
        _cpu_seconds(pid) if pid else values.get("process_cpu_seconds_total", math.nan),
        values.get(_CALLS, unknown),
        values.get(_RUNS, unknown),
        batches,
    )


def _page(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.read().decode()
    except (OSError, urllib.error.URLError):
        return ""


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.nan
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
