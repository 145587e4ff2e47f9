"""The answers of a run, clip by clip, and the CSV file that holds them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_pipeline.errors import UserError
from data_pipeline.storage.atomic_file import write_text

_FINGERPRINT = "fingerprint"


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers of a run.

    Attributes:
        names: Clip names, [clips].
        speakers: Speaker ids, [clips].
        truth: int [clips], index of the right emotion; -1 where listeners agree on none of the labels.
        probabilities: float32 [clips, classes].
        known: Further columns, see `input_pipeline.descriptions`.
    """

    names: np.ndarray
    speakers: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    known: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def clear(self) -> np.ndarray:
        """Which clips have a right answer; bool [clips]."""
        return self.truth >= 0


def write_answers(path: Path, predictions: Predictions, labels: Sequence[str], fingerprint: str) -> None:
    """Write a CSV file with one row per clip: name, speaker, right emotion, answer, probability of each emotion.

    Args:
        path: The file; its folder must exist.
        predictions: The answers.
        labels: Emotions in the order of the probabilities.
        fingerprint: Fingerprint of the dataset, which is written into each row.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "speaker", "right", "answer", *labels, _FINGERPRINT])
    for name, speaker, right, probabilities in zip(
        predictions.names, predictions.speakers, predictions.truth, predictions.probabilities, strict=True
    ):
        answer = labels[int(probabilities.argmax())]
        # Nine digits restore a float32 exactly.
        shares = [f"{probability:.9g}" for probability in probabilities]
        writer.writerow([name, speaker, labels[right] if right >= 0 else "", answer, *shares, fingerprint])
    write_text(path, text.getvalue())


def read_answers(path: Path, labels: Sequence[str], fingerprint: str) -> Predictions | None:
    """Read what `write_answers` wrote for the same dataset.

    Args:
        path: The file.
        labels: Emotions in the order of the probabilities.
        fingerprint: Fingerprint of the dataset.

    Returns:
        The answers, or None if there is no such file or it belongs to another dataset.

    Raises:
        UserError: If the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows or rows[0][_FINGERPRINT] != fingerprint:
            return None
        return Predictions(
            names=np.array([row["name"] for row in rows]),
            speakers=np.array([row["speaker"] for row in rows]),
            truth=np.array([labels.index(row["right"]) if row["right"] else -1 for row in rows]),
            probabilities=np.array([[float(row[label]) for label in labels] for row in rows], np.float32),
        )
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read ({error}): remove it, and evaluate the run again") from error
