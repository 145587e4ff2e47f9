"""Corpora without audio for tests of what file names tell."""

from pathlib import Path


def lay_out(folder: Path, *names: str) -> Path:
    """Make empty files, with the folders that they lie in.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder
