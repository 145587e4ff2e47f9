"""What is known of a stored tensor before it is read."""

import math
from dataclasses import dataclass
from pathlib import Path

_BYTES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as its file describes it.

    Attributes:
        name: Name in the file.
        shape: Sizes of the dimensions; empty for a scalar.
        dtype: `float32`, `float16`, `bfloat16` and so on; for other types the name that the format uses.
        file: The file that it is in.
        canonical: Its name in the backbone, whatever class and version saved it; None for a tensor of a head, a
            decoder, of pretraining or of an adapter.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    file: Path
    canonical: str | None = None

    @property
    def used(self) -> bool:
        """Whether it belongs to the backbone, by its name."""
        return self.canonical is not None

    @property
    def size(self) -> int:
        """Number of its elements."""
        return math.prod(self.shape)

    @property
    def stored_bytes(self) -> int:
        """Number of bytes of its elements in the file."""
        return self.size * _BYTES.get(self.dtype, 1)
