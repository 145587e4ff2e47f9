"""Read a `pytorch_model.bin`, with PyTorch."""

import importlib.util
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.errors import UserError
from training.checkpoint.tensor_info import TensorInfo

_WITHOUT_TORCH = (
    "{} can only be read with PyTorch, which is not installed: `pip install torch`, or choose a checkpoint or a "
    "revision that has model.safetensors"
)


def check_readable(place: str) -> None:
    """Check that such a file can be read.

    Args:
        place: The file in words, for the error.

    Raises:
        UserError: If PyTorch is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise UserError(_WITHOUT_TORCH.format(place))


def describe(path: Path) -> list[TensorInfo]:
    """Describe the tensors. Files of PyTorch 1.6 or later are mapped, not read.

    Raises:
        UserError: If PyTorch is not installed, or the file is broken.
    """
    return [
        TensorInfo(name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), path)
        for name, tensor in _load(path).items()
    ]


def read(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Read some of the tensors as float32.

    Args:
        path: The file.
        names: Names of the tensors in the file. They must hold floating-point numbers.

    Raises:
        UserError: If PyTorch is not installed, or the file is broken.
    """
    tensors = _load(path)
    # A copy, so that the file need not stay mapped.
    return {name: np.array(tensors[name].float().numpy()) for name in names}


def _load(path: Path) -> dict[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise UserError(_WITHOUT_TORCH.format(path)) from error
    try:
        # Weights only: a pickle could run any code.
        try:
            content = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        except RuntimeError:
            # The format from before PyTorch 1.6 cannot be mapped.
            content = torch.load(path, weights_only=True, map_location="cpu", mmap=False)
    except (RuntimeError, OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UserError(
            f"{path} holds no weights that PyTorch reads ({reason}): fetch it again, or choose a checkpoint with "
            "model.safetensors"
        ) from error
    if not isinstance(content, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in content.values()):
        raise UserError(
            f"{path} holds more than tensors by name: give a checkpoint that was saved with `save_pretrained` of "
            "transformers"
        )
    return content
