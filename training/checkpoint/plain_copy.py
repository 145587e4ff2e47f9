"""A checkpoint as plain files in a folder of one's own, to take to a machine without network."""

import re
import shutil
from pathlib import Path

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing
from data_pipeline.storage.claimed_folder import claimed
from training.checkpoint.settings_files import CONFIG, FEATURE_EXTRACTOR

_WEIGHTS = re.compile(r"(pytorch_)?model.*\.(safetensors|bin|index\.json)")


def check_place(folder: Path) -> None:
    """See that a checkpoint may go there, before much is fetched.

    Raises:
        UserError: If it is a file, or a folder with something other than what an earlier copy left.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: give a folder")
    for name in _names(folder):
        if name not in (CONFIG, FEATURE_EXTRACTOR) and not _WEIGHTS.fullmatch(name):
            raise UserError(f"{folder} holds {name}, which is of no checkpoint: give another folder")


def copy_plain(source: Path, files: tuple[str, ...], folder: Path) -> None:
    """Copy a checkpoint's files; each appears whole or not at all, and `config.json` after all others.

    Args:
        source: Where they lie, perhaps as links.
        files: Their names, `config.json` first.
        folder: Where they go; made if it is missing.

    Raises:
        UserError: If the folder cannot be written to, or holds other weights.
    """
    check_place(folder)
    others = sorted(name for name in _names(folder) if _WEIGHTS.fullmatch(name) and name not in files)
    if others:
        raise UserError(f"{folder} holds {others[0]} of another checkpoint: give another folder, or remove it")
    with claimed(folder):
        # While files of two revisions may lie side by side, nothing should take them for a checkpoint.
        (folder / CONFIG).unlink(missing_ok=True)
        for name in reversed(files):
            with replacing(folder / name) as part:
                shutil.copyfile(source / name, part)


def _names(folder: Path) -> list[str]:
    return [place.name for place in folder.iterdir()] if folder.is_dir() else []
