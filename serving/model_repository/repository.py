"""The layout of a model repository: which models and versions it holds, and how a new version comes in.

```
MODELS/models.config                  which models to serve (serving/model_repository/server_config.py)
MODELS/<name>/<version>/saved_model.pb
```

Model servers poll the model folders, so that a version must appear whole or not at all.
"""

import contextlib
import errno
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from data_pipeline.errors import UserError

LABELS_FILE = Path("assets") / "labels.txt"
"""Inside a version: the emotions in the order of the model's outputs, one a line."""

WARM_UP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
"""Inside a version, where TensorFlow Serving looks for them: a TFRecord of `PredictionLog`."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a model may be called: its name is a folder, a word on command lines, and a part of REST addresses."""


class RepositoryError(UserError):
    """A model repository that does not hold what was asked of it, or cannot take what it was given."""


def model_folder(models: Path, name: str) -> Path:
    """The folder with all versions of one model.

    Args:
        models: The model repository.
        name: The model's name.

    Returns:
        `models/name`, whether it exists or not.

    Raises:
        RepositoryError: If the name cannot be a model's.
    """
    if not NAME.fullmatch(name):
        raise RepositoryError(
            f"{name!r} cannot be the name of a model: use letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    return models / name


def versions(folder: Path) -> dict[int, Path]:
    """Every folder that a model server would take for a version, complete or not.

    TensorFlow Serving takes every folder whose name reads as a non-negative integer, leading zeros included
    (`file_system_storage_path_source.cc`), and passes over all others.

    Args:
        folder: A model's folder; it need not exist.

    Returns:
        Version folders by their number, lowest first.
    """
    if not folder.is_dir():
        return {}
    found = {
        int(entry.name): entry
        for entry in folder.iterdir()
        if entry.is_dir() and entry.name.isascii() and entry.name.isdigit()
    }
    return dict(sorted(found.items()))


def saved_models(folder: Path) -> dict[int, Path]:
    """The versions in a folder that can be loaded.

    Args:
        folder: A model's folder; it need not exist.

    Returns:
        Folders that hold a `saved_model.pb` by their version, lowest first.
    """
    return {version: path for version, path in versions(folder).items() if (path / "saved_model.pb").is_file()}


def servable_folders(models: Path, name: str) -> dict[int, Path]:
    """The SavedModels of a model by version.

    Args:
        models: The model repository.
        name: The model's name.

    Returns:
        SavedModel folders by version, lowest first; never empty.

    Raises:
        RepositoryError: If there is no such repository or model, or the model has no version.
    """
    if not models.is_dir():
        raise RepositoryError(f"there is no model repository at {models}: write one with `ser export RUN {models}`")
    folder = model_folder(models, name)
    if not folder.is_dir():
        raise RepositoryError(
            f"the model repository {models} has no model {name!r}: export one with "
            f"`ser export RUN {models} --name {name}`"
        )
    found = saved_models(folder)
    if not found:
        raise RepositoryError(
            f"the model folder {folder} has no version (a numbered folder with a saved_model.pb): "
            f"export one with `ser export RUN {models} --name {name}`"
        )
    return found


def publish(folder: Path, write: Callable[[Path], None]) -> Path:
    """Write a model's next version so that it appears whole or not at all.

    It is written in a hidden folder beside the others, hence on the same file system, whose name is no
    number: no model server takes it for a version. Once it is complete, it is renamed to the highest number
    plus one.

    Args:
        folder: The model's folder; created where it is missing.
        write: Fills the empty folder it is given. Whatever it raises is passed on, and nothing stays behind.

    Returns:
        The new version's folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".unfinished-{uuid.uuid4().hex}"
    unfinished.mkdir()
    try:
        write(unfinished)
        return _rename_to_next_version(unfinished, folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.rmdir()  # Only where it is empty: a model without a version.
        raise


def _rename_to_next_version(finished: Path, folder: Path) -> Path:
    while True:
        version = folder / str(max(versions(folder), default=0) + 1)
        try:
            return finished.rename(version)
        except OSError as error:
            # Another export took the number between our look and our rename: a folder with something in it is
            # never replaced by a rename.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
