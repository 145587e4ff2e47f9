"""Read a `.safetensors` file, without PyTorch."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# The import registers bfloat16 with numpy, and safetensors then returns arrays of it.
import ml_dtypes  # noqa: F401
import numpy as np
from safetensors import SafetensorError, safe_open

from data_pipeline.errors import UserError
from training.checkpoint.tensor_info import TensorInfo

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


def describe(path: Path) -> list[TensorInfo]:
    """Describe the tensors by the file's header, without reading their elements.

    Raises:
        UserError: If it is broken.
    """
    with _opened(path) as file:
        names = file.keys()
        slices = {name: file.get_slice(name) for name in names}
        return [
            TensorInfo(name, tuple(part.get_shape()), _DTYPES.get(part.get_dtype(), part.get_dtype()), path)
            for name, part in slices.items()
        ]


def read(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Read some of the tensors as float32.

    Args:
        path: The file.
        names: Names of the tensors in the file. They must hold floating-point numbers.

    Raises:
        UserError: If it is broken.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name).astype(np.float32, copy=False) for name in names}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="np") as file:
            yield file
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(
            f"{path} is no whole safetensors file ({error}): fetch it again, it may have broken off on the way"
        ) from error
