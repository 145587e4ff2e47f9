"""The server's metrics for Prometheus, with the names and units of TensorFlow Serving.

Names, labels and buckets are those of tensorflow_serving/servables/tensorflow/util.cc,
tensorflow_serving/batching/batching_session.cc and tensorflow/cc/saved_model/loader.cc. As in prometheus_exporter.cc,
the slashes of a name are replaced by colons. Times are in microseconds. The histogram of batch sizes is an addition:
TensorFlow has percentiles instead.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import HistogramMetricFamily, Metric

_MICROSECONDS = 1e6


def _exponential(scale: float, growth: float, buckets: int) -> list[float]:
    """The upper limits of `monitoring::Buckets::Exponential`; the last one is infinite."""
    return [scale * growth**power for power in range(buckets - 1)] + [math.inf]


class Metrics:
    """The metrics of one server. They may be updated from any thread."""

    def __init__(self) -> None:
        latency = _exponential(10, 1.8, 33)
        self._requests = _Counter(
            ":tensorflow:serving:request_count", "The total number of requests.", ("model_name", "status")
        )
        self._request_latency = _Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for a request.",
            ("model_name", "API", "entrypoint"),
            latency,
        )
        self._runtime_latency = _Histogram(
            ":tensorflow:serving:runtime_latency",
            "Distribution of wall time (in microseconds) for the TensorFlow runtime, waiting in the queue included.",
            ("model_name", "API", "runtime"),
            latency,
        )
        self._queuing_latency = _Histogram(
            ":tensorflow:serving:batching_session:queuing_latency",
            "Distribution of wall time spent (in microseconds) in queuing",
            ("thread_pool_name",),
            _exponential(100, 1.2, 52),
        )
        self._runs = _Counter(
            ":tensorflow:serving:batching_session:wrapped_run_count",
            "Total count of run calls on the wrapped session",
            (),
        )
        self._batch_sizes = _Histogram(
            ":tensorflow:serving:batching:processed_batch_size",
            "Rows of the batches that were computed, filled up to an allowed size.",
            ("model_name", "op_name"),
            [1, 2, 4, 8, 16, 32, 64, 128, 256, math.inf],
        )
        self._padding = _Histogram(
            ":tensorflow:serving:batching:padding_size",
            "Rows with which batches were filled up.",
            ("model_name", "op_name"),
            [0, 1, 2, 4, 8, 16, 32, 64, 128, math.inf],
        )
        self._loads = _Counter(
            ":tensorflow:cc:saved_model:load_attempt_count",
            "The number of times a SavedModel was requested to be loaded.",
            ("model_path", "status"),
        )
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """All metrics, for `prometheus_client`."""
        for metric in vars(self).values():
            if isinstance(metric, (_Counter, _Histogram)):
                yield metric.family()

    def page(self) -> bytes:
        """All metrics in Prometheus's text format, whose content type is `prometheus_client.CONTENT_TYPE_LATEST`."""
        return generate_latest(self._registry)

    def answered(self, model: str, status: str, entrypoint: str, seconds: float) -> None:
        """Count a request that has been answered.

        Args:
            model: Name of the model; empty if it is not served.
            status: Name of the gRPC status.
            entrypoint: `GRPC` or `REST`.
            seconds: Seconds since the request arrived.
        """
        self._requests.add((model, status))
        if status == "OK":
            self._request_latency.add((model, "Predict", entrypoint), seconds * _MICROSECONDS)

    def ran(self, model: str, seconds: float) -> None:
        """Count a call that a model has computed, alone or in a batch."""
        self._runtime_latency.add((model, "Predict", "TF1"), seconds * _MICROSECONDS)

    def left_queue(self, seconds: float) -> None:
        """Count the seconds that a call has waited in a queue."""
        self._queuing_latency.add(("batch_threads",), seconds * _MICROSECONDS)

    def ran_batch(self, rows: int, padded: int) -> None:
        """Count a batch that has been computed.

        Args:
            rows: Number of rows of calls.
            padded: Number of rows that were computed, padding included.
        """
        self._runs.add(())
        self._batch_sizes.add(("", ""), padded)
        self._padding.add(("", ""), padded - rows)

    def loaded(self, folder: str, is_ok: bool) -> None:
        """Count an attempt to load a version."""
        self._loads.add((folder, "success" if is_ok else "fail"))


class _Counter:
    def __init__(self, name: str, text: str, labels: tuple[str, ...]):
        self._name, self._text, self._labels = name, text, labels
        self._values: dict[tuple[str, ...], int] = defaultdict(int)
        self._lock = Lock()

    def add(self, labels: tuple[str, ...]) -> None:
        with self._lock:
            self._values[labels] += 1

    def family(self) -> Metric:
        # CounterMetricFamily would append `_total` to the name.
        family = Metric(self._name, self._text, "unknown")
        with self._lock:
            for labels, value in self._values.items():
                family.add_sample(self._name, dict(zip(self._labels, labels, strict=True)), value)
        return family


class _Histogram:
    def __init__(self, name: str, text: str, labels: tuple[str, ...], limits: list[float]):
        self._name, self._text, self._labels, self._limits = name, text, labels, limits
        self._counts: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(limits))
        self._sums: dict[tuple[str, ...], float] = defaultdict(float)
        self._lock = Lock()

    def add(self, labels: tuple[str, ...], value: float) -> None:
        with self._lock:
            self._counts[labels][bisect_left(self._limits, value)] += 1
            self._sums[labels] += value

    def family(self) -> Metric:
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        with self._lock:
            for labels, counts in self._counts.items():
                family.add_metric(labels, list(self._cumulative(counts)), self._sums[labels])
        return family

    def _cumulative(self, counts: list[int]) -> Iterator[tuple[str, int]]:
        total = 0
        for limit, count in zip(self._limits, counts, strict=True):
            total += count
            yield ("+Inf" if math.isinf(limit) else f"{limit:g}"), total
