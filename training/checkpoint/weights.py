"""The weights of a checkpoint: which files hold them, and their tensors, in one file or in shards."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from data_pipeline.errors import UserError
from training.checkpoint import safetensors_file, torch_file
from training.checkpoint.architectures import Architecture
from training.checkpoint.settings_files import read_object
from training.checkpoint.tensor_info import TensorInfo

_INDEX = ".index.json"

_WEIGHTS = ("model.safetensors", f"model.safetensors{_INDEX}", "pytorch_model.bin", f"pytorch_model.bin{_INDEX}")
"""Names of the files, the best first: safetensors need no PyTorch and run no code."""

_OTHERS = ("tf_model.h5", "flax_model.msgpack")
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_LFS_POINTER = b"version https://git-lfs"


def choose(names: Collection[str], place: str) -> str:
    """Choose the file to read the weights from, or the index of several files.

    Args:
        names: Names of all files of the checkpoint.
        place: The checkpoint in words, for errors.

    Returns:
        One of `names`.

    Raises:
        UserError: If there are no weights that can be read.
    """
    for name in _WEIGHTS:
        if name in names:
            return name
    others = [name for name in _OTHERS if name in names]
    if others:
        raise UserError(
            f"{place} has its weights only as {' and '.join(others)}, which cannot be read: choose a checkpoint or a "
            "revision with model.safetensors, or convert it with transformers 4 "
            "(`from_pretrained(..., from_tf=True)` or `from_flax=True`, then `save_pretrained`)"
        )
    raise UserError(
        f"{place} has no weights: there should be a model.safetensors or a pytorch_model.bin, or the .index.json of "
        "either with the shards that it names"
    )


def is_index(name: str) -> bool:
    """Whether a file names the shards that hold the weights, instead of holding them."""
    return name.endswith(_INDEX)


def read_index(path: Path) -> dict[str, str]:
    """Read which shard holds which tensor.

    Args:
        path: A `.index.json`.

    Returns:
        The shard's file name, which is in the same folder, by the tensor's name in the file.

    Raises:
        UserError: If it is no index.
    """
    shards = read_object(path, "fetch it again").get("weight_map")
    if not isinstance(shards, dict) or not shards or not all(isinstance(shard, str) for shard in shards.values()):
        raise UserError(f"{path} does not say which shard holds which tensor (weight_map): fetch it again")
    for shard in shards.values():
        # An index from elsewhere must not lead out of its folder.
        if Path(shard).name != shard:
            raise UserError(f"{path} names {shard!r}, which is no file beside it: fetch the checkpoint again")
    return shards


def check_readable(files: Iterable[str], place: str) -> None:
    """Check that files of weights can be read on this machine, before they are fetched.

    Args:
        files: Names of the files.
        place: The checkpoint in words, for errors.

    Raises:
        UserError: If they are PyTorch's, which is not installed.
    """
    for file in files:
        if _format(Path(file)) is torch_file:
            torch_file.check_readable(f"{file} of {place}")


def describe(folder: Path, architecture: Architecture) -> list[TensorInfo]:
    """Describe all tensors, sorted by name.

    Args:
        folder: Folder of the checkpoint.
        architecture: Gives each tensor its name in the backbone.

    Raises:
        UserError: If a file is missing or broken, or the index names a tensor that is not there.
    """
    chosen = folder / choose([place.name for place in folder.iterdir()], str(folder))
    tensors = _describe_shards(folder, chosen) if is_index(chosen.name) else _describe_file(chosen)
    named = [replace(tensor, canonical=architecture.canonical(tensor.name)) for tensor in tensors]
    return sorted(named, key=lambda tensor: tensor.name)


def _describe_shards(folder: Path, chosen: Path) -> list[TensorInfo]:
    shards = read_index(chosen)
    missing = sorted({shard for shard in shards.values() if not (folder / shard).is_file()})
    if missing:
        raise UserError(f"{folder} lacks {', '.join(missing)}, which {chosen.name} names: fetch the checkpoint again")
    found = {
        (shard, tensor.name): tensor
        for shard in sorted(set(shards.values()))
        for tensor in _describe_file(folder / shard)
    }
    absent = [(name, shard) for name, shard in shards.items() if (shard, name) not in found]
    if absent:
        name, shard = absent[0]
        raise UserError(
            f"{folder / shard} has no {name}, though {chosen.name} says so ({len(absent)} such in all): fetch the "
            "checkpoint again, its files are not of one revision"
        )
    return [found[shard, name] for name, shard in shards.items()]


def read(tensors: list[TensorInfo]) -> dict[str, np.ndarray]:
    """Read the tensors of the backbone.

    Args:
        tensors: From `describe`.

    Returns:
        The tensors by canonical name, as float32, of the shapes in `tensors`.

    Raises:
        UserError: If one has no floating-point numbers, two have the same name, or a file is broken.
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
