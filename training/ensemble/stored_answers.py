"""What models said of clips, as `.npz` files hold it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import replacing

KNOWN = ("name", "speaker", "truth", "labels", "fold")
"""What a file says of clips; every other array holds a model's answers."""

_NEEDED = ("name", "speaker", "truth", "labels")


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """What a model said of clips.

    Attributes:
        source: `FILE.npz:MODEL`, where it was read.
        name: strings [clips].
        speaker: strings [clips].
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
    """Read the answers of one model.

    Args:
        source: `FILE.npz:MODEL`.

    Raises:
        UserError: If the file cannot be read, has no answers of that model, or they are no probabilities.
    """
    path, _, model = source.rpartition(":")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if model in KNOWN or model not in arrays or not set(_NEEDED) <= set(arrays):
                found = ", ".join(sorted(set(arrays) - set(KNOWN)))
                raise UserError(f"{source}: {path} has answers of {found or 'nobody'}: name one of these")
            answers = StoredAnswers(source, **{key: arrays[key] for key in _NEEDED}, probabilities=arrays[model])
    # A file that is no archive is no ValueError in every version of numpy.
    except (OSError, ValueError, AttributeError, EOFError) as error:
        raise UserError(f"{source} cannot be read ({error}): give FILE.npz:MODEL") from error
    _check(answers)
    return answers


def write_stored(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file that `read_stored` reads.

    Args:
        path: Of the file, ending in `.npz`.
        arrays: `name`, `speaker`, `truth`, `labels`, if there were some `fold` [clips], and under the name of each
            model its probabilities.
    """
    with replacing(path) as part, part.open("wb") as opened:
        np.savez_compressed(opened, allow_pickle=False, **arrays)


def _check(answers: StoredAnswers) -> None:
    clips, said = len(answers.name), answers.probabilities
    if said.shape != (clips, len(answers.labels)) or not len(answers.speaker) == len(answers.truth) == clips:
        raise UserError(
            f"{answers.source} holds {' x '.join(map(str, said.shape))} numbers for {clips:,} clips and "
            f"{len(answers.labels)} labels: make the file again"
        )
    if not (np.isfinite(said).all() and (said >= 0).all() and np.allclose(said.sum(axis=1), 1, atol=1e-3)):
        raise UserError(f"{answers.source} holds numbers that are no probabilities: make the file again")
