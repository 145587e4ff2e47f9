"""The machines of a training, from the environment variable `TF_CONFIG`.

Its form is TensorFlow's: `{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker",
"index": 0}}`; the cluster is the same for all workers, each worker has its own task.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_pipeline.errors import UserError

_JOBS = ("chief", "worker")
"""Types of tasks. A chief is the first worker, too."""

_FORM = (
    '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}, '
    "with an index of its own for each worker"
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers that train together, and which of them this process is.

    Attributes:
        jobs: The addresses, as `host:port`, of the `chief`, if there is one, and of each `worker`.
        job: Job of this process: `chief` or `worker`.
        index: Number of this process among those of its job, from 0.
    """

    jobs: Mapping[str, tuple[str, ...]]
    job: str
    index: int

    @classmethod
    def read(cls, text: str | None) -> "Cluster":
        """Read the value of `TF_CONFIG`.

        Args:
            text: The value, or None if the variable is not set.

        Raises:
            UserError: If it is not set, is malformed or contradicts itself.
        """
        if not text:
            raise UserError(f"--strategy multiworker needs the environment variable TF_CONFIG: set it to {_FORM}")
        try:
            content = json.loads(text)
        except ValueError as error:
            raise UserError(f"TF_CONFIG is not JSON ({error}): set it to {_FORM}") from error
        cluster, task = (_object(content, name) for name in ("cluster", "task"))
        jobs = {job: _addresses(job, addresses) for job, addresses in cluster.items()}
        if len(jobs.get("chief", ())) > 1:
            raise UserError("cluster.chief of TF_CONFIG names several chiefs: keep one, and name the others as workers")
        everyone = [address for addresses in jobs.values() for address in addresses]
        if len(set(everyone)) < len(everyone):
            raise UserError("cluster of TF_CONFIG names an address twice: give each worker one of its own")
        job, index = task.get("type"), task.get("index")
        if job not in jobs:
            raise UserError(f"task.type of TF_CONFIG is {job!r}: give one of those in its cluster, {', '.join(jobs)}")
        if type(index) is not int or not 0 <= index < len(jobs[job]):
            raise UserError(
                f"task.index of TF_CONFIG is {index!r}: give a whole number from 0 to {len(jobs[job]) - 1}, this "
                f"worker's place in cluster.{job}"
            )
        return cls(jobs, job, index)

    @property
    def workers(self) -> int:
        """Number of workers, including the chief."""
        return sum(map(len, self.jobs.values()))

    @property
    def place(self) -> int:
        """Number of this process among all workers, from 0, which is the chief."""
        return self.index + (len(self.jobs.get("chief", ())) if self.job == "worker" else 0)


def _object(content: Any, name: str) -> dict[str, Any]:
    part = content.get(name) if isinstance(content, dict) else None
    if not isinstance(part, dict) or not part:
        raise UserError(f"TF_CONFIG has no {name}: set it to {_FORM}")
    return part


def _addresses(job: str, addresses: Any) -> tuple[str, ...]:
    if job not in _JOBS:
        raise UserError(f"cluster of TF_CONFIG has tasks called {job!r}: name all of them worker, or one of them chief")
    named = isinstance(addresses, list) and all(
        isinstance(address, str) and re.fullmatch(r".+:\d{1,5}", address) for address in addresses
    )
    if not addresses or not named:
        raise UserError(f"cluster.{job} of TF_CONFIG is {addresses!r}: give a list of addresses, each as host:port")
    return tuple(addresses)
