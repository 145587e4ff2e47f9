"""What is known of a stored tensor before its numbers are read."""

import math
from dataclasses import dataclass
from pathlib import Path

from training.checkpoint.names import canonical_name

_BYTES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as its file describes it.

    Attributes:
        name: As it is stored.
        shape: Its sizes; empty for a scalar.
        dtype: `float32`, `float16`, `bfloat16`, ..., whatever the format calls it otherwise.
        file: Where it lies.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    file: Path

    @property
    def canonical(self) -> str | None:
        """Its name in the backbone, or None for what belongs to a head, to pretraining or to an adapter."""
        return canonical_name(self.name)

    @property
    def used(self) -> bool:
        """Whether it belongs to the backbone, as far as its name tells."""
        return self.canonical is not None

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def stored_bytes(self) -> int:
        """How many bytes they take in the file."""
        return self.size * _BYTES.get(self.dtype, 1)
