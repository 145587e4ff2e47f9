"""The server under load: a running one, or `ser serve` in a separate process."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.server_counts import ServerCounts, read_counts
from data_pipeline.errors import UserError

_METRICS = "/monitoring/prometheus/metrics"


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A running server.

    Attributes:
        address: `host:port` of the gRPC port.
        metrics: URL of its Prometheus page, if it has one.
        pid: Process id, if the benchmark started the server.
    """

    address: str
    metrics: str | None = None
    pid: int | None = None

    def counts(self) -> ServerCounts:
        """The server's counts so far."""
        return read_counts(self.pid, self.metrics)


@contextlib.contextmanager
def spawned(
    models: Path, options: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Iterator[ModelServer]:
    """Run `ser serve` on free ports until the `with` block ends.

    Args:
        models: Folder of the model repository.
        options: Further options of `ser serve`.
        environment: Environment variables to set for it.

    Raises:
        UserError: If the server does not start.
    """
    command = [sys.executable, "-m", "ser", "serve", str(models), "--grpc-port", "0", "--rest-port", "0", *options]
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=variables, text=True)
    assert process.stdout is not None
    try:
        yield _started(process, process.stdout)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _started(process: subprocess.Popen, output) -> ModelServer:
    grpc_address = rest_address = None
    for line in output:
        if found := re.match(r"Listening on (\S+) \(gRPC", line):
            grpc_address = found[1]
        if found := re.search(r"(\S+) \(REST", line):
            rest_address = found[1]
        if line.startswith("Stop it"):
            break
    if grpc_address is None:
        raise UserError(f"`ser serve` ended with status {process.wait()}; its message is above")
    metrics = f"http://{rest_address.removeprefix('http://')}{_METRICS}" if rest_address else None
    return ModelServer(grpc_address, metrics, process.pid)
