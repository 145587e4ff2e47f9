"""What a model is to answer for a clip: which labels there are, and whose word is taken.

The emotion that an actor was asked for and the one that listeners heard agree on four clips of CREMA-D in ten
(40.9 %, Cao et al. 2014), so that a run says which of the two it learned.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data_pipeline.dataset import Split
from data_pipeline.emotion import EMOTIONS, LABELS
from data_pipeline.errors import UserError

LABEL_KINDS = ("acted", "voted", "soft")


@dataclass(frozen=True, slots=True)
class Target:
    """What is learned or measured against.

    Attributes:
        labels: Emotions in the order of the model's outputs. Clips acted with another emotion are left out.
        kind: `acted`: the emotion that the speaker was asked for. `voted`: the one that most listeners heard, shared
            evenly between those that tie. `soft`: the shares of the listeners' votes. A clip without votes on any of
            the labels counts as acted.
    """

    labels: tuple[str, ...] = LABELS
    kind: str = "acted"

    def __post_init__(self) -> None:
        unknown = [label for label in self.labels if label not in EMOTIONS]
        if unknown or len(set(self.labels)) != len(self.labels) or len(self.labels) < 2:
            raise UserError(
                f"{', '.join(self.labels)!r} are no labels; name two or more of {', '.join(EMOTIONS)}, each once"
            )
        if self.kind not in LABEL_KINDS:
            raise UserError(f"{self.kind!r} is no kind of labels; choose one of {', '.join(LABEL_KINDS)}")

    def clips(self, side: Split) -> int:
        """How many clips of a side have one of the labels."""
        return sum(side.emotions.get(label, 0) for label in self.labels)

    def outside(self, side: Split) -> dict[str, int]:
        """The clips of a side that have none of the labels, counted by their emotion."""
        return {emotion: count for emotion, count in side.emotions.items() if emotion not in self.labels and count}

    def includes(self, emotion: tf.Tensor) -> tf.Tensor:
        """Whether an acted emotion is one of the labels; string to bool scalar."""
        return tf.reduce_any(tf.constant(list(self.labels)) == emotion)

    def distribution(self, emotion: tf.Tensor, votes: tf.Tensor) -> tf.Tensor:
        """What a model should answer.

        Args:
            emotion: string scalar, the acted emotion.
            votes: int64 [emotions], in the order of `EMOTIONS`.

        Returns:
            float32 [labels], adding up to one.
        """
        acted = tf.cast(tf.constant(list(self.labels)) == emotion, tf.float32)
        if self.kind == "acted":
            return acted
        counts = tf.cast(tf.gather(votes, [EMOTIONS.index(label) for label in self.labels]), tf.float32)
        if self.kind == "voted":
            counts = tf.cast((counts == tf.reduce_max(counts)) & (counts > 0), tf.float32)
        total = tf.reduce_sum(counts)
        return tf.where(total > 0, counts / tf.maximum(total, 1.0), acted)


def truth(label: np.ndarray, votes: np.ndarray, target: Target) -> np.ndarray:
    """The one right answer for each clip, to choose epochs by and to measure against.

    Args:
        label: int [clips], index of the acted emotion in the target's labels.
        votes: int [clips, emotions], in the order of `EMOTIONS`.
        target: Whose word is taken. For `voted` and `soft` it is the label that most listeners heard; a clip that
            nobody was asked about counts as acted.

    Returns:
        int [clips], index of the label; -1 where labels tie.
    """
    if target.kind == "acted":
        return label
    counts = votes[:, [EMOTIONS.index(name) for name in target.labels]]
    most = counts.max(axis=1, keepdims=True)
    is_clear = (counts == most).sum(axis=1) == 1
    return np.where(most[:, 0] == 0, label, np.where(is_clear, counts.argmax(axis=1), -1))
