"""What a run of calls comes to."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.load.callers import OK, Call
from benchmarks.load.server_counts import ServerCounts


@dataclass(frozen=True, slots=True)
class Summary:
    """One run. Latencies are in milliseconds and of answered calls only; nan where there are none, or where the
    server does not say.

    Attributes:
        name: Of the run.
        offered: Calls a second.
        answered: Calls with an answer a second, until the last one had ended.
        errors: Calls without an answer, by code.
        p50: Median latency.
        p90: Of ten calls, nine were faster.
        p99: Of a hundred, 99.
        slowest: The longest latency.
        drain: Seconds from when the last call was made until all had ended.
        calls_a_batch: Calls that shared a run of the model, on average.
        batch_sizes: Batches by the rows that were computed.
        server_cpu: Processors that the server kept busy.
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
    ) -> "Summary":
        """Sum up.

        Args:
            name: Of the run.
            calls: At least one.
            seconds: For which calls were made.
            before: What the server said before the run.
            after: And after it.
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
        """For JSON, in which there is no nan."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }
