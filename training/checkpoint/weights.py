"""The weights in a folder, in one file or in shards."""

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import numpy as np

from data_pipeline.errors import UserError
from training.checkpoint import safetensors_file, torch_file
from training.checkpoint.tensor_info import TensorInfo
from training.checkpoint.weight_files import choose, is_index, read_index

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_LFS_POINTER = b"version https://git-lfs"


def check_readable(files: Iterable[str], place: str) -> None:
    """See that files of weights could be read here, before they are fetched.

    Args:
        files: Their names.
        place: Where they are, for the error.

    Raises:
        UserError: If they are PyTorch's, which is not installed.
    """
    for file in files:
        if _format(Path(file)) is torch_file:
            torch_file.check_readable(f"{file} of {place}")


def describe(folder: Path) -> list[TensorInfo]:
    """All tensors, by name.

    Args:
        folder: Of the checkpoint.

    Raises:
        UserError: If a file is missing or broken, or the index names what is not there.
    """
    chosen = folder / choose([place.name for place in folder.iterdir()], str(folder))
    if not is_index(chosen.name):
        return sorted(_describe_file(chosen), key=lambda tensor: tensor.name)
    shards = read_index(chosen)
    missing = sorted({shard for shard in shards.values() if not (folder / shard).is_file()})
    if missing:
        raise UserError(f"{folder} lacks {', '.join(missing)}, which {chosen.name} names: fetch the checkpoint again")
    there = {
        (shard, tensor.name): tensor
        for shard in sorted(set(shards.values()))
        for tensor in _describe_file(folder / shard)
    }
    absent = [(name, shard) for name, shard in shards.items() if (shard, name) not in there]
    if absent:
        name, shard = absent[0]
        raise UserError(
            f"{folder / shard} has no {name}, though {chosen.name} says so ({len(absent)} such in all): fetch the "
            "checkpoint again, its files are not of one revision"
        )
    return [there[shards[name], name] for name in sorted(shards)]


def read(tensors: list[TensorInfo]) -> dict[str, np.ndarray]:
    """The tensors of the backbone.

    Args:
        tensors: From `describe`.

    Returns:
        By canonical name, as float32, of the shapes that `tensors` say.

    Raises:
        UserError: If one is not of floating-point numbers, two have the same name, or a file is broken.
    """
    stored: dict[str, TensorInfo] = {}
    for tensor in tensors:
        if tensor.canonical is None:
            continue
        if tensor.dtype not in _FLOATS:
            raise UserError(
                f"{tensor.file} stores {tensor.name} as {tensor.dtype}, and only {', '.join(_FLOATS)} can be read: "
                "choose a checkpoint that is not quantised"
            )
        twin = stored.setdefault(tensor.canonical, tensor)
        if twin is not tensor:
            raise UserError(
                f"{tensor.file} stores both {twin.name} and {tensor.name}, which are the same part of the network: "
                "remove one of them"
            )
    arrays: dict[str, np.ndarray] = {}
    for file in sorted({tensor.file for tensor in stored.values()}):
        names = {tensor.name: name for name, tensor in stored.items() if tensor.file == file}
        arrays |= {names[name]: array for name, array in _format(file).read(file, names).items()}
    return arrays


def _describe_file(path: Path) -> list[TensorInfo]:
    try:
        with path.open("rb") as file:
            start = file.read(len(_LFS_POINTER))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): see who may read it") from error
    if start == _LFS_POINTER:
        raise UserError(f"{path} only points to the weights, as git keeps large files: run `git lfs pull` beside it")
    return _format(path).describe(path)


def _format(path: Path) -> ModuleType:
    return safetensors_file if path.suffix == ".safetensors" else torch_file
