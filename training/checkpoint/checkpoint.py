"""Open a checkpoint in a folder or on the Hugging Face hub, and copy one to a folder."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing
from data_pipeline.storage.claimed_folder import claimed
from training.checkpoint import hub, weights
from training.checkpoint.architectures import Architecture, architecture_of
from training.checkpoint.settings_files import CONFIG, FEATURE_EXTRACTOR, read_feature_extractor, read_network_config
from training.checkpoint.tensor_info import TensorInfo

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_WEIGHTS = re.compile(r"(pytorch_)?model.*\.(safetensors|bin|index\.json)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An opened checkpoint. Its settings have been read, its weights have not.

    Attributes:
        source: Name on the hub, or folder, as it was given.
        revision: The commit, 40 hexadecimal digits; None for a folder.
        folder: Folder with its files.
        config: Content of `config.json`.
        feature_extractor: Content of `preprocessor_config.json`; at least `do_normalize` and `sampling_rate`.
    """

    source: str
    revision: str | None
    folder: Path
    config: dict[str, Any]
    feature_extractor: dict[str, Any]

    @property
    def architecture(self) -> Architecture:
        """Its architecture."""
        known = architecture_of(self.config["model_type"])
        assert known is not None, "the configuration was checked when the checkpoint was opened"
        return known

    def tensors(self) -> list[TensorInfo]:
        """Describe every stored tensor, sorted by name, without reading the weights.

        Raises:
            UserError: If weights are missing or broken.
        """
        return weights.describe(self.folder, self.architecture)

    def arrays(self) -> dict[str, np.ndarray]:
        """Read the backbone's tensors as float32, by canonical name.

        Tensors with unknown names are included, so that the network can report what does not fit.

        Raises:
            UserError: If weights are missing, broken or of a type that cannot be converted; if there are none of the
                backbone.
        """
        tensors = self.tensors()
        if not any(tensor.used for tensor in tensors):
            held = sorted({tensor.name.rpartition(".")[0] for tensor in tensors})
            raise UserError(
                f"{self.source} holds no tensor of the encoder of {self.architecture.title}, only {len(tensors):,} "
                f"others, such as {held[0] if held else 'none'}: choose a checkpoint of the whole model"
            )
        return weights.read(tensors)

    @property
    def left_out(self) -> list[str]:
        """Names of the stored tensors outside the backbone: of heads, pretraining and adapters."""
        return [tensor.name for tensor in self.tensors() if not tensor.used]


def open_checkpoint(
    name_or_folder: str | Path, revision: str | None = None, only: Architecture | None = None
) -> Checkpoint:
    """Open a checkpoint; one of the hub is fetched if it is not on this machine yet.

    Args:
        name_or_folder: A folder, or `owner/name` on the hub. An existing folder takes precedence. A name that starts
            with `.`, `/` or `~` is never looked for on the hub.
        revision: A branch, tag or commit on the hub. Defaults to the main branch.
        only: The architecture that it must have. Defaults to any that is known.

    Raises:
        UserError: If it cannot be fetched, or is not a checkpoint of such a network for 16 kHz.
    """
    folder = local_folder(name_or_folder)
    if folder is None:
        return fetch(str(name_or_folder), revision, only=only)[0]
    if revision is not None:
        raise UserError(
            f"{name_or_folder} is a folder and has no revisions: leave {revision!r} out, or give a name on the hub"
        )
    return _open(str(name_or_folder), None, folder, only)


def fetch(
    name: str,
    revision: str | None = None,
    announce: Callable[[hub.Download], None] = lambda _: None,
    only: Architecture | None = None,
) -> tuple[Checkpoint, tuple[str, ...]]:
    """Fetch a checkpoint of the hub into the cache.

    Args:
        name: `owner/name`.
        revision: A branch, tag or commit. Defaults to the main branch.
        announce: Called with what will be fetched before it is fetched; an exception ends the fetch.
        only: The architecture that it must have. Defaults to any that is known.

    Returns:
        The checkpoint, and the names of its files, the settings first.

    Raises:
        UserError: If it cannot be fetched, or is not a checkpoint of such a network for 16 kHz.
    """

    def check(folder: Path, download: hub.Download) -> None:
        # An unusable checkpoint is found before its weights are fetched.
        read_network_config(folder, only)
        read_feature_extractor(folder)
        weights.check_readable(download.sizes, f"{name} on the hub")
        announce(download)

    snapshot = hub.snapshot(name, revision, check)
    return _open(name, snapshot.revision, snapshot.folder, only), snapshot.files


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


def check_copy_folder(folder: Path) -> None:
    """Check that a checkpoint may be copied to a folder, before it is fetched.

    Raises:
        UserError: If it is a file, or a folder with anything but the files of an earlier copy.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: give a folder")
    for name in _names(folder):
        if name not in (CONFIG, FEATURE_EXTRACTOR) and not _WEIGHTS.fullmatch(name):
            raise UserError(f"{folder} holds {name}, which is of no checkpoint: give another folder")


def copy_files(source: Path, files: tuple[str, ...], folder: Path) -> None:
    """Copy a checkpoint as plain files, to take it to a machine without network.

    Each file appears whole or not at all, and `config.json` after all others.

    Args:
        source: Folder with the files, which may be links.
        files: Names of the files, `config.json` first.
        folder: Destination; made if it is missing.

    Raises:
        UserError: If the folder cannot be written to, or holds other weights.
    """
    check_copy_folder(folder)
    others = sorted(name for name in _names(folder) if _WEIGHTS.fullmatch(name) and name not in files)
    if others:
        raise UserError(f"{folder} holds {others[0]} of another checkpoint: give another folder, or remove it")
    with claimed(folder):
        # While the folder may hold files of two revisions, nothing should take it for a checkpoint.
        (folder / CONFIG).unlink(missing_ok=True)
        for name in reversed(files):
            with replacing(folder / name) as part:
                shutil.copyfile(source / name, part)


def _names(folder: Path) -> list[str]:
    return [place.name for place in folder.iterdir()] if folder.is_dir() else []


def _open(source: str, revision: str | None, folder: Path, only: Architecture | None) -> Checkpoint:
    return Checkpoint(source, revision, folder, read_network_config(folder, only), read_feature_extractor(folder))
