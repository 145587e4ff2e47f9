"""What a served model answers, as types: an emotion with its probabilities, or why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.errors import UserError
from serving.status import RowStatus


@dataclass(frozen=True, slots=True)
class EmotionAnswer:
    """One utterance's answer.

    Attributes:
        emotion: The most probable one.
        probabilities: Of each emotion, in the model's order; they sum to 1.
        confidence: In the answer, from 0 to 1, as the model states it.
        model_version: That answered.
        latency: Seconds from asking to having the answer; in a batch, of the whole batch.
    """

    emotion: str
    probabilities: dict[str, float]
    confidence: float
    model_version: int
    latency: float


class AudioRejectedError(UserError):
    """Audio that the model could not judge.

    Attributes:
        status: The row's status code; one that this version does not know stays a plain number.
    """

    def __init__(self, status: int):
        known = status in RowStatus.__members__.values()
        self.status = RowStatus(status) if known else status
        sentence = (
            RowStatus(status).sentence
            if known
            else f"the model refused the audio with the unknown status {status}: update this client"
        )
        super().__init__(sentence)


class UnexpectedAnswerError(UserError):
    """A model that answers, but not as this project's models do."""


def read_answers(
    outputs: Mapping[str, np.ndarray], labels: Sequence[str], model_version: int, latency: float
) -> list[EmotionAnswer | AudioRejectedError]:
    """Turn a batch of a model's outputs into answers.

    Args:
        outputs: `probabilities` [batch, classes], `emotion` bytes [batch], `confidence` [batch], `status`
            int [batch].
        labels: Emotions in the order of the classes.
        model_version: That answered.
        latency: In seconds.

    Returns:
        For each row its answer, or the reason why it has none.

    Raises:
        UnexpectedAnswerError: If an output is missing, or the classes are not those of `labels`.
    """
    missing = {"probabilities", "emotion", "confidence", "status"} - set(outputs)
    if missing:
        raise UnexpectedAnswerError(
            f"the model does not say {', '.join(sorted(missing))}: ask one that `ser export` has written"
        )
    probabilities = outputs["probabilities"]
    if probabilities.ndim != 2 or probabilities.shape[1] != len(labels):
        raise UnexpectedAnswerError(
            f"the model's probabilities have the shape {list(probabilities.shape)}, "
            f"which does not fit the labels {', '.join(labels)}: ask with the model's own labels"
        )
    answers: list[EmotionAnswer | AudioRejectedError] = []
    for row, status in enumerate(outputs["status"]):
        if status != RowStatus.OK:
            answers.append(AudioRejectedError(int(status)))
            continue
        emotion = outputs["emotion"][row].decode()
        if emotion != labels[int(np.argmax(probabilities[row]))]:
            raise UnexpectedAnswerError(
                f"the model names {emotion} where the labels {', '.join(labels)} name another emotion: "
                "ask with the model's own labels"
            )
        by_label = dict(zip(labels, map(float, probabilities[row]), strict=True))
        answers.append(EmotionAnswer(emotion, by_label, float(outputs["confidence"][row]), model_version, latency))
    return answers
