"""The figures of a run of calls, and their plot."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.load.callers import OK, Call
from benchmarks.load.server_counts import ServerCounts
from data_pipeline.pages.figures import INK, MUTED, Size, new_figure, styled


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """The figures of one run.

    Latencies are in milliseconds and cover answered calls only. A figure is nan if there were no such calls, or if the
    server does not report it.

    Attributes:
        name: Name of the run.
        offered: Calls made per second.
        answered: Calls answered per second, until the last call had ended.
        errors: Number of calls without an answer, by code.
        p50: Median latency.
        p90: 90th percentile of the latency.
        p99: 99th percentile of the latency.
        slowest: Maximum latency.
        drain: Seconds from the time of the last call until all calls had ended.
        calls_a_batch: Mean number of calls that were computed together.
        batch_sizes: Number of batches by the number of rows that were computed.
        server_cpu: Mean number of processors that the server used.
    """

    name: str
    offered: float
    answered: float
    errors: dict[str, int]
    p50: float
    p90: float
    p99: float
    slowest: float
    drain: float
    calls_a_batch: float
    batch_sizes: dict[str, int]
    server_cpu: float

    @classmethod
    def of(
        cls, name: str, calls: Sequence[Call], seconds: float, before: ServerCounts, after: ServerCounts
    ) -> "LoadSummary":
        """Compute the figures of a run.

        Args:
            name: Name of the run.
            calls: The calls, at least one.
            seconds: Seconds during which calls were made.
            before: Counts of the server before the run.
            after: Counts of the server after the run.
        """
        latencies = 1_000 * np.array([call.latency for call in calls if call.code == OK])
        start, end = min(call.intended for call in calls), max(call.finished for call in calls)
        p50, p90, p99, slowest = (
            map(float, np.percentile(latencies, [50, 90, 99, 100])) if latencies.size else [math.nan] * 4
        )
        counted = after - before
        return cls(
            name=name,
            offered=len(calls) / seconds,
            answered=latencies.size / max(seconds, end - start),
            errors=dict(Counter(call.code for call in calls if call.code != OK)),
            p50=p50,
            p90=p90,
            p99=p99,
            slowest=slowest,
            drain=max(0.0, end - start - seconds),
            calls_a_batch=counted.calls_a_batch,
            batch_sizes=counted.batch_sizes,
            server_cpu=counted.cpu_seconds / counted.wall_seconds,
        )

    def as_document(self) -> dict[str, Any]:
        """The figures for JSON, with None instead of nan."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }


@styled
def load_figure(summaries: Sequence[LoadSummary], title: str, *, size: Size) -> Figure:
    """Plot latency and throughput against the offered rate.

    Args:
        summaries: Open-loop runs.
        title: Title of the figure.
        size: The room that there is.
    """
    runs = sorted(summaries, key=lambda summary: summary.offered)
    offered = [run.offered for run in runs]
    figure = new_figure(4, size)
    figure.suptitle(title)
    latency, throughput = figure.subplots(1, 2)
    for name, values, style in (
        ("99th percentile", [run.p99 for run in runs], "-"),
        ("90th", [run.p90 for run in runs], "--"),
        ("median", [run.p50 for run in runs], ":"),
    ):
        latency.plot(offered, values, style, color=INK, marker="o", markersize=3, label=name)
    latency.set(title="Latency of answered calls (ms)", xlabel="calls offered a second", ylim=(0, None))
    latency.legend()
    throughput.plot(offered, offered, color=MUTED, linewidth=1, label="offered")
    throughput.plot(offered, [run.answered for run in runs], color=INK, marker="o", markersize=3, label="answered")
    throughput.set(title="Calls answered a second", xlabel="calls offered a second", ylim=(0, None))
    throughput.legend()
    for axes in (latency, throughput):
        axes.grid(True)
    return figure
