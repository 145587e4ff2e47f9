"""Which of a checkpoint's files hold the weights."""

from collections.abc import Collection
from pathlib import Path

from data_pipeline.errors import UserError
from training.checkpoint.json_file import read_object

_INDEX = ".index.json"
# The best first: safetensors need no PyTorch and run no code.
_WEIGHTS = ("model.safetensors", f"model.safetensors{_INDEX}", "pytorch_model.bin", f"pytorch_model.bin{_INDEX}")
_OTHERS = ("tf_model.h5", "flax_model.msgpack")


def choose(names: Collection[str], place: str) -> str:
    """The file to read the weights from, or the index of several.

    Args:
        names: All file names of the checkpoint.
        place: What the checkpoint is called in an error.

    Returns:
        One of `names`.

    Raises:
        UserError: If there are none that can be read.
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
    """Whether a file names the shards that hold the weights, rather than holding them."""
    return name.endswith(_INDEX)


def read_index(path: Path) -> dict[str, str]:
    """Which shard holds which tensor.

    Args:
        path: A `.index.json`.

    Returns:
        The shard's file name, which lies beside the index, by the tensor's name as stored.

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
