"""Out-of-fold predictions of models, in `.npz` files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing

KNOWN = ("name", "speaker", "truth", "labels", "fold")
"""Arrays of a file that describe its clips. Every other array holds a model's probabilities."""

_NEEDED = ("name", "speaker", "truth", "labels")


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """The predictions of one model.

    Attributes:
        source: `FILE.npz:MODEL`, where they were read.
        name: strings [clips], names of the clips.
        speaker: strings [clips], who speaks.
        truth: int [clips], index of the right label.
        labels: strings [classes].
        probabilities: float [clips, classes].
    """

    source: str
    name: np.ndarray
    speaker: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray


def read_stored(source: str) -> StoredAnswers:
    """Read the predictions of one model.

    Args:
        source: `FILE.npz:MODEL`.

    Raises:
        UserError: If the file cannot be read, has no predictions of that model, or they are no probabilities.
    """
    path, _, model = source.rpartition(":")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if model in KNOWN or model not in arrays or not set(_NEEDED) <= set(arrays):
                found = ", ".join(sorted(set(arrays) - set(KNOWN)))
                raise UserError(f"{source}: {path} has answers of {found or 'no model'}: name one of these")
            answers = StoredAnswers(source, **{key: arrays[key] for key in _NEEDED}, probabilities=arrays[model])
    # Not every version of numpy raises a ValueError for a file that is no archive.
    except (OSError, ValueError, AttributeError, EOFError) as error:
        raise UserError(f"{source} cannot be read ({error}): give FILE.npz:MODEL") from error
    _check(answers)
    return answers


def write_stored(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file that `read_stored` reads.

    Args:
        path: Path of the file, ending in `.npz`.
        arrays: `name`, `speaker`, `truth`, `labels`, `fold` [clips] if there were folds, and the probabilities of each
            model under its name.
    """
    with replacing(path) as part, part.open("wb") as opened:
        np.savez_compressed(opened, allow_pickle=False, **arrays)


def _check(answers: StoredAnswers) -> None:
    clips, probabilities = len(answers.name), answers.probabilities
    if probabilities.shape != (clips, len(answers.labels)) or not len(answers.speaker) == len(answers.truth) == clips:
        raise UserError(
            f"{answers.source} holds {' x '.join(map(str, probabilities.shape))} numbers for {clips:,} clips and "
            f"{len(answers.labels)} labels: make the file again"
        )
    if not (
        np.isfinite(probabilities).all()
        and (probabilities >= 0).all()
        and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)
    ):
        raise UserError(f"{answers.source} holds numbers that are no probabilities: make the file again")
