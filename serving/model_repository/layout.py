"""The layout of a model repository: which models and versions it holds, and how a new version is added.

```
MODELS/models.config                  which models to serve (serving/model_repository/server_config.py)
MODELS/<name>/<version>/saved_model.pb
```

Model servers poll the model folders, so a version must appear complete or not at all.
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
"""Relative to the version's folder: the emotions in the order of the model's outputs, one per line."""

WARM_UP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
"""Relative to the version's folder, where TensorFlow Serving looks for it: a TFRecord file of `PredictionLog`."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Allowed names of models: a name is a folder, a word on the command line and a part of REST addresses."""


class RepositoryError(UserError):
    """A model repository lacks a model or version, or cannot store a new one."""


def model_folder(models: Path, name: str) -> Path:
    """The folder with all versions of one model.

    Args:
        models: Folder of the model repository.
        name: Name of the model.

    Returns:
        `models/name`, which need not exist.

    Raises:
        RepositoryError: If `name` is not allowed as the name of a model.
    """
    if not NAME.fullmatch(name):
        raise RepositoryError(
            f"{name!r} cannot be the name of a model: use letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    return models / name


def versions(folder: Path) -> dict[int, Path]:
    """All folders that a model server would regard as versions, complete or not.

    TensorFlow Serving regards every folder as a version whose name is a non-negative integer, possibly with leading
    zeros (`file_system_storage_path_source.cc`), and ignores all others.

    Args:
        folder: Folder of a model; it need not exist.

    Returns:
        Version folders by version number, lowest first.
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
    """The versions of a model that can be loaded.

    Args:
        folder: Folder of a model; it need not exist.

    Returns:
        Folders that hold a `saved_model.pb`, by version number, lowest first.
    """
    return {version: path for version, path in versions(folder).items() if (path / "saved_model.pb").is_file()}


def servable_folders(models: Path, name: str) -> dict[int, Path]:
    """The versions of a model that can be loaded; there is at least one.

    Args:
        models: Folder of the model repository.
        name: Name of the model.

    Returns:
        SavedModel folders by version number, lowest first; never empty.

    Raises:
        RepositoryError: If the repository or the model does not exist, or the model has no version.
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
    """Write the next version of a model so that it appears complete or not at all.

    The version is written to a hidden folder beside the others, hence on the same file system. The name of this folder
    is not a number, so no model server regards it as a version. Once complete, it is renamed to the highest version
    number plus one.

    Args:
        folder: Folder of the model; created if it is missing.
        write: Function that fills the empty folder that it receives. Its exceptions are passed on, and then no file
            is left behind.

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
            folder.rmdir()  # This succeeds only if the folder is empty: a model without a version.
        raise


def _rename_to_next_version(finished: Path, folder: Path) -> Path:
    while True:
        version = folder / str(max(versions(folder), default=0) + 1)
        try:
            return finished.rename(version)
        except OSError as error:
            # Another export took the number after we listed the versions. A rename never replaces a folder that is
            # not empty.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
