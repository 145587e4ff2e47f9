"""Convert the outputs of a served model to answers: an emotion with its probabilities, or an error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_pipeline.emotion import LABELS
from serving.errors import AudioRejectedError, UnexpectedAnswerError
from serving.status import RowStatus

_OUTPUTS = {"probabilities", "emotion", "confidence", "status"}


@dataclass(frozen=True, slots=True)
class EmotionAnswer:
    """The answer for one utterance.

    Attributes:
        emotion: The most probable emotion.
        probabilities: Probability of each emotion, in the model's order; they sum to 1.
        confidence: The model's confidence in its answer, from 0 to 1.
        model_version: Number of the model's version that gave the answer.
        latency: Seconds from the request to the answer; for an utterance in a batch, those of the whole batch.
        finding: What is to be said of the audio, such as that its file was cut off; empty if there is nothing.
    """

    emotion: str
    probabilities: dict[str, float]
    confidence: float
    model_version: int
    latency: float
    finding: str = ""


def read_answers(
    outputs: Mapping[str, np.ndarray],
    labels: Sequence[str] | None,
    findings: Sequence[str],
    model_version: int,
    latency: float,
) -> list[EmotionAnswer | AudioRejectedError]:
    """Convert the outputs for a batch to answers.

    Args:
        outputs: `probabilities` [batch, classes], `emotion` bytes [batch], `confidence` [batch], `status`
            int [batch]; newer models add `labels` bytes [batch, classes].
        labels: Emotions in the order of the classes; None for those that the model tells.
        findings: What is to be said of the audio of each utterance in the request; see `EmotionAnswer`.
        model_version: Number of the model's version that gave the outputs.
        latency: Seconds from the request to the outputs.

    Returns:
        For each row its answer, or the reason why it has none.

    Raises:
        UnexpectedAnswerError: If an output is missing or does not have a row for each utterance, the classes do not fit
            `labels`, or a probability is not a finite number.
    """
    labels = _told(outputs) if labels is None else labels
    _check_shapes(outputs, labels, len(findings))
    return [
        _read_row({name: outputs[name][row] for name in _OUTPUTS}, labels, model_version, latency, finding)
        for row, finding in enumerate(findings)
    ]


def _told(outputs: Mapping[str, np.ndarray]) -> Sequence[str]:
    """The labels that a model tells, or those of models from before they told."""
    told = outputs.get("labels")
    if told is None or told.ndim != 2 or not len(told):
        return LABELS
    return [label.decode(errors="replace") for label in told[0]]


def _check_shapes(outputs: Mapping[str, np.ndarray], labels: Sequence[str], rows: int) -> None:
    missing = _OUTPUTS - set(outputs)
    if missing:
        raise UnexpectedAnswerError(
            f"the model has no output {', '.join(sorted(missing))}: use a model that `ser export` has written"
        )
    probabilities = outputs["probabilities"]
    if probabilities.ndim != 2 or probabilities.shape[1] != len(labels):
        raise UnexpectedAnswerError(
            f"the model's probabilities have the shape {list(probabilities.shape)}, "
            f"which does not fit the labels {', '.join(labels)}: use the model's own labels"
        )
    for name in sorted(_OUTPUTS):
        if outputs[name].shape[:1] != (rows,) or (name != "probabilities" and outputs[name].ndim != 1):
            raise UnexpectedAnswerError(
                f"the model's {name} has the shape {list(outputs[name].shape)} for a request of {rows} rows: "
                "use a model that `ser export` has written"
            )


def _read_row(
    row: Mapping[str, Any], labels: Sequence[str], model_version: int, latency: float, finding: str
) -> EmotionAnswer | AudioRejectedError:
    if row["status"] != RowStatus.OK:
        return AudioRejectedError(int(row["status"]))
    if not (np.isfinite(row["probabilities"]).all() and np.isfinite(row["confidence"])):
        raise UnexpectedAnswerError(
            "the model's probabilities are not finite numbers: use a model that `ser export` has written"
        )
    emotion = row["emotion"].decode(errors="replace")
    if emotion != labels[int(np.argmax(row["probabilities"]))]:
        raise UnexpectedAnswerError(
            f"the model's answer is {emotion}, which is another emotion than in the labels {', '.join(labels)}: "
            "use the model's own labels"
        )
    by_label = dict(zip(labels, map(float, row["probabilities"]), strict=True))
    return EmotionAnswer(emotion, by_label, float(row["confidence"]), model_version, latency, finding)
