"""What a run answered, clip by clip, and the file in which it stays: a table to look into, to sort and to compare."""

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
    """What a run answered.

    Attributes:
        names: Clip names, [clips].
        speakers: Who speaks, [clips].
        truth: int [clips], index of the right emotion; -1 where listeners agree on none of the labels.
        probabilities: float32 [clips, classes].
        known: What else is known of each clip; see `input_pipeline.descriptions`.
    """

    names: np.ndarray
    speakers: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    known: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def clear(self) -> np.ndarray:
        """Whether there is a right answer; bool [clips]."""
        return self.truth >= 0


def write_answers(path: Path, predictions: Predictions, labels: Sequence[str], fingerprint: str) -> None:
    """Write a CSV file, a row a clip: its name, speaker, the right emotion, the answer, each emotion's probability.

    Args:
        path: Of the file; its folder must exist.
        predictions: What was answered.
        labels: Emotions in the order of the probabilities.
        fingerprint: Of the dataset; the same in each row.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "speaker", "right", "answer", *labels, _FINGERPRINT])
    for name, speaker, right, probabilities in zip(
        predictions.names, predictions.speakers, predictions.truth, predictions.probabilities, strict=True
    ):
        answer = labels[int(probabilities.argmax())]
        # Nine digits bring a float32 back as it was.
        shares = [f"{probability:.9g}" for probability in probabilities]
        writer.writerow([name, speaker, labels[right] if right >= 0 else "", answer, *shares, fingerprint])
    write_text(path, text.getvalue())


def read_answers(path: Path, labels: Sequence[str], fingerprint: str) -> Predictions | None:
    """What `write_answers` wrote of the same dataset.

    Args:
        path: Of the file.
        labels: Emotions in the order of the probabilities.
        fingerprint: Of the dataset.

    Returns:
        None where there is no such file, or it is of another dataset.

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
