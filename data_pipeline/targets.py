"""What a model learns to answer for a clip: its labels, which are the acted emotions or the listeners' votes.

The emotion that an actor was asked for and the one that listeners heard agree for four clips of CREMA-D in ten (40.9 %,
Cao et al. 2014), so a run states which of the two it learned. This module imports no TensorFlow, so that commands start
quickly; `label_distribution` makes tensors from a target.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator

from data_pipeline.dataset import Split
from data_pipeline.emotion import EMOTIONS, LABELS
from data_pipeline.errors import UserError
from data_pipeline.settings import Field, Flag, Listed, Settings

LabelKind = Literal["acted", "voted", "soft"]


def _split_at_commas(labels: Any) -> Any:
    """On the command line, labels are separated by commas."""
    return tuple(word.strip() for word in labels.split(",")) if isinstance(labels, str) else labels


@dataclass(frozen=True, slots=True)
class Target(Settings):
    """The labels that a model learns, or is measured against. Each setting is described in its field.

    `truth` gives no right label for a clip on which votes tie. For `voted` it gives none either where an emotion that
    is no label got as many votes as the best label, or more; `soft` does not count votes for other emotions. In
    training, where every clip needs a label: labels that tie share it evenly; a clip that most listeners heard as an
    emotion that is no label counts as `soft`; and a clip without votes for the labels counts as acted.

    Raises:
        UserError: If a value is not one that it can have, or two of them contradict each other.
    """

    labels: Annotated[
        tuple[str, ...],
        Field(
            description="Emotions that the model distinguishes, in the order of its outputs; on the command line "
            "separated by commas. Each needs training clips. Clips acted with another emotion are left out."
        ),
        Listed,
        BeforeValidator(_split_at_commas),
        Flag("--emotions", "TEXT", EMOTIONS),
    ] = LABELS
    kind: Annotated[
        LabelKind,
        Field(
            description="Which labels are learned: `acted` (the emotion that the speaker was asked for), `voted` (the "
            "emotion that most listeners heard) or `soft` (the shares of the listeners' votes). Clips without votes "
            "count as acted; a dataset without any votes is refused."
        ),
        Flag("--labels"),
    ] = "acted"
    votes_share: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Share of an acted label that is spread as the listeners' votes are. The right label stays the "
            "acted one.",
        ),
    ] = 0.0

    def check(self) -> None:
        """Check that the labels are known and different, and that votes are not mixed into votes."""
        unknown = [label for label in self.labels if label not in EMOTIONS]
        if unknown or len(set(self.labels)) != len(self.labels) or len(self.labels) < 2:
            raise UserError(
                f"{', '.join(self.labels)!r} are no labels; name two or more of {', '.join(EMOTIONS)}, each once"
            )
        if self.votes_share and self.kind != "acted":
            raise UserError(
                f"votes_share mixes votes into acted labels, and {self.kind!r} are votes already: give --votes-share 0"
            )

    @property
    def learns_votes(self) -> bool:
        """Whether listeners' votes decide what is learned, or contribute to it."""
        return self.kind != "acted" or self.votes_share > 0

    def clips(self, split: Split) -> int:
        """Number of clips of a split with one of the labels."""
        return sum(split.emotions.get(label, 0) for label in self.labels)

    def outside(self, split: Split) -> dict[str, int]:
        """Number of clips of a split with none of the labels, by emotion."""
        return {emotion: count for emotion, count in split.emotions.items() if emotion not in self.labels and count}

    def indices(self, emotions: np.ndarray) -> np.ndarray:
        """The index of each emotion in the labels.

        Args:
            emotions: strings [clips], each of them one of the labels.

        Returns:
            int64 [clips].

        Raises:
            ValueError: If an emotion is none of the labels.
        """
        return np.array([self.labels.index(emotion) for emotion in emotions], np.int64)

    @property
    def vote_columns(self) -> list[int]:
        """Places of the labels among the votes of a record."""
        return [EMOTIONS.index(label) for label in self.labels]


def truth(label: np.ndarray, votes: np.ndarray, target: Target) -> np.ndarray:
    """The right answer for each clip, for the choice of epochs and for evaluation.

    Args:
        label: int [clips], index of the acted emotion in the labels of the target.
        votes: int [clips, emotions], in the order of `EMOTIONS`.
        target: Which answer is right. For `voted` it is the emotion that most listeners heard, for `soft` the label
            with the largest share of the votes. The acted emotion is used for a clip without votes (with `soft`:
            without votes on the labels).

    Returns:
        int [clips], index of the label; -1 where votes tie, or most listeners heard none of the labels.
    """
    if target.kind == "acted":
        return label
    counts = votes[:, target.vote_columns]
    rivals = votes if target.kind == "voted" else counts
    most = rivals.max(axis=1)
    is_clear = ((rivals == most[:, np.newaxis]).sum(axis=1) == 1) & (counts.max(axis=1) == most)
    return np.where(most == 0, label, np.where(is_clear, counts.argmax(axis=1), -1))
