"""A checkpoint of wav2vec 2.0 or HuBERT, in a folder or on the Hugging Face hub."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.errors import UserError
from training.checkpoint import hub, weights
from training.checkpoint.settings_files import read_config, read_feature_extractor
from training.checkpoint.tensor_info import TensorInfo

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An opened checkpoint: its settings are read, its numbers are not.

    Attributes:
        source: The hub's name for it, or the folder, as given.
        revision: The commit, 40 hexadecimal digits; None for a folder.
        folder: Where its files lie.
        config: `config.json`.
        feature_extractor: `preprocessor_config.json`; at least `do_normalize` and `sampling_rate`.
    """

    source: str
    revision: str | None
    folder: Path
    config: dict[str, Any]
    feature_extractor: dict[str, Any]

    def tensors(self) -> list[TensorInfo]:
        """Every stored tensor, sorted by name, without reading the numbers.

        Raises:
            UserError: If weights are missing or broken.
        """
        return weights.describe(self.folder)

    def arrays(self) -> dict[str, np.ndarray]:
        """The backbone's tensors as float32, by canonical name.

        Names that nothing is known of are among them, so that the network can say what does not fit.

        Raises:
            UserError: If weights are missing, broken or of a type that cannot be converted.
        """
        return weights.read(self.tensors())

    @property
    def left_out(self) -> list[str]:
        """The stored names of what is no part of the backbone: heads, pretraining, adapters."""
        return [tensor.name for tensor in self.tensors() if not tensor.used]


def open_checkpoint(name_or_folder: str | Path, revision: str | None = None) -> Checkpoint:
    """Open a checkpoint, fetching it from the hub if it is not on this machine yet.

    Args:
        name_or_folder: A folder, or `owner/name` as on the hub. A folder that exists comes first; what starts with
            `.`, `/` or `~` is never looked for on the hub.
        revision: A branch, tag or commit of the hub; its main branch unless given.

    Raises:
        UserError: If it cannot be had, or is not a checkpoint of wav2vec 2.0 or HuBERT for 16 kHz.
    """
    folder = local_folder(name_or_folder)
    if folder is None:
        return fetch(str(name_or_folder), revision)[0]
    if revision is not None:
        raise UserError(
            f"{name_or_folder} is a folder and has no revisions: leave {revision!r} out, or give a name on the hub"
        )
    return _open(str(name_or_folder), None, folder)


def fetch(
    name: str, revision: str | None = None, announce: Callable[[hub.Plan], None] = lambda _: None
) -> tuple[Checkpoint, tuple[str, ...]]:
    """Have a checkpoint of the hub in the cache.

    Args:
        name: `owner/name`.
        revision: A branch, tag or commit; the main branch unless given.
        announce: Told what will be fetched before it is; what it raises ends the fetch.

    Returns:
        The checkpoint, and the names of its files, the settings first.

    Raises:
        UserError: If it cannot be had, or is not a checkpoint of wav2vec 2.0 or HuBERT for 16 kHz.
    """

    def check(folder: Path, plan: hub.Plan) -> None:
        # What cannot be used is better found before the weights have come.
        read_config(folder)
        read_feature_extractor(folder)
        weights.check_readable(plan.sizes, f"{name} on the hub")
        announce(plan)

    snapshot = hub.snapshot(name, revision, check)
    return _open(name, snapshot.revision, snapshot.folder), snapshot.files


def local_folder(name_or_folder: str | Path) -> Path | None:
    """The folder that is meant, or None for a name on the hub.

    Raises:
        UserError: If it is neither.
    """
    path = Path(name_or_folder).expanduser()
    if path.is_dir():
        return path
    text = str(name_or_folder)
    if path.exists():
        raise UserError(f"{text} is a file: give the folder that it lies in, which should have a config.json too")
    if isinstance(name_or_folder, Path) or text.startswith((".", "/", "~")):
        raise UserError(f"{text} is not there: give a folder with a checkpoint, or `owner/name` of one on the hub")
    if not _HUB_NAME.fullmatch(text):
        raise UserError(
            f"{text!r} is neither a folder that exists nor a name on the hub: such as facebook/wav2vec2-base, the name "
            "has one slash"
        )
    return None


def _open(source: str, revision: str | None, folder: Path) -> Checkpoint:
    return Checkpoint(source, revision, folder, read_config(folder), read_feature_extractor(folder))
