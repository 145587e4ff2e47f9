"""How calls become batches: `batching.config`, read and checked as TensorFlow Serving does."""

import os
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import UserError
from serving.model_repository.config_messages import read_text_proto


@dataclass(frozen=True)
class BatchingSettings:
    """TensorFlow Serving's `BatchingParameters`; the defaults are its own (shared_batch_scheduler.h).

    Attributes:
        max_batch_size: Rows that one call may bring; without splitting, also rows in a batch.
        max_execution_batch_size: Rows in a batch. Less than `max_batch_size` only where large calls are split.
        allowed_batch_sizes: Batches are filled up to the next of these; not at all where it is empty.
        timeout: Seconds that the first call of a batch waits for others.
        max_enqueued_batches: Batches that wait in one queue; calls that would need another are refused.
        threads: Batches that are computed at the same time.
        pad_variable_length_inputs: Inputs that differ past the first dimension share a batch, padded to the
            longest.
        split_large_calls: Calls are cut where that fills a batch, and may be larger than one.
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
            UserError: If the file cannot be read, or asks for what TensorFlow Serving would refuse.
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
        """Threads with which a batch is computed best: more would take processors from the other batches."""
        return max(1, (os.cpu_count() or 1) // self.threads)

    def padded_size(self, rows: int) -> int:
        """How many rows a batch is filled up to: the next allowed size, or none more."""
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
            f"let them rise and the last be max_batch_size, {settings.max_batch_size}"
        )
