"""How calls are merged into batches: `batching.config`, read and checked as TensorFlow Serving does."""

import os
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import UserError
from serving.model_repository.config_messages import read_text_proto


@dataclass(frozen=True)
class BatchingSettings:
    """TensorFlow Serving's `BatchingParameters`; the defaults are its own (shared_batch_scheduler.h).

    Attributes:
        max_batch_size: Maximum number of rows in a call and, without splitting, also in a batch.
        max_execution_batch_size: Maximum number of rows in a batch. It is less than `max_batch_size` only if large
            calls are split.
        allowed_batch_sizes: Batches are padded to the next of these sizes; if empty, they are not padded.
        timeout: Seconds that the first call of a batch waits for others.
        max_enqueued_batches: Maximum number of batches that wait in one queue. Calls that would need another batch are
            refused.
        threads: Number of batches that are computed at the same time.
        pad_variable_length_inputs: Whether inputs that differ after the first dimension are padded to the longest one
            and share a batch.
        split_large_calls: Whether calls are split where a batch is full, and may be larger than a batch.
    """

    max_batch_size: int = 1_000
    max_execution_batch_size: int = 1_000
    allowed_batch_sizes: tuple[int, ...] = ()
    timeout: float = 0.0
    max_enqueued_batches: int = 10
    threads: int = os.cpu_count() or 1
    pad_variable_length_inputs: bool = False
    split_large_calls: bool = False

    @classmethod
    def read(cls, path: Path) -> "BatchingSettings":
        """Read a `BatchingParameters` text proto.

        Raises:
            UserError: If the file cannot be read, or has values that TensorFlow Serving would refuse.
        """
        parameters = read_text_proto(path, "BatchingParameters")

        def given(name: str, default: int) -> int:
            return getattr(parameters, name).value if parameters.HasField(name) else default

        max_batch_size = given("max_batch_size", cls.max_batch_size)
        split = parameters.enable_large_batch_splitting.value
        settings = cls(
            max_batch_size=max_batch_size,
            max_execution_batch_size=given("max_execution_batch_size", max_batch_size) if split else max_batch_size,
            allowed_batch_sizes=tuple(parameters.allowed_batch_sizes),
            timeout=given("batch_timeout_micros", 0) / 1e6,
            max_enqueued_batches=given("max_enqueued_batches", cls.max_enqueued_batches),
            threads=given("num_batch_threads", cls.threads),
            pad_variable_length_inputs=parameters.pad_variable_length_inputs,
            split_large_calls=split,
        )
        _check(settings, path)
        return settings

    @property
    def threads_a_batch(self) -> int:
        """Number of threads that compute one batch. More would take processors from the other batches."""
        return max(1, (os.cpu_count() or 1) // self.threads)

    def padded_size(self, rows: int) -> int:
        """Number of rows that a batch is padded to: the next allowed size, or `rows` if there is none."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


def _check(settings: BatchingSettings, path: Path) -> None:
    for field, value in (
        ("max_batch_size", settings.max_batch_size),
        ("max_execution_batch_size", settings.max_execution_batch_size),
        ("max_enqueued_batches", settings.max_enqueued_batches),
        ("num_batch_threads", settings.threads),
    ):
        if value < 1:
            raise UserError(f"{path}: {field} is {value}: set it to at least 1")
    if settings.timeout < 0:
        raise UserError(f"{path}: batch_timeout_micros is negative: set it to at least 0")
    if settings.max_execution_batch_size > settings.max_batch_size:
        raise UserError(f"{path}: max_execution_batch_size is more than max_batch_size: lower it")
    sizes = settings.allowed_batch_sizes
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1 or sizes[-1] != settings.max_batch_size):
        raise UserError(
            f"{path}: allowed_batch_sizes are {', '.join(map(str, sizes))}: "
            f"list them in ascending order, the last being max_batch_size, {settings.max_batch_size}"
        )
