"""What a model is to answer for a clip: which labels there are, and whose word is taken.

The emotion that an actor was asked for and the one that listeners heard agree on four clips of CREMA-D in ten
(40.9 %, Cao et al. 2014), so that a run says which of the two it learned.
"""

from dataclasses import dataclass

import numpy as np

from data_pipeline.dataset import Split
from data_pipeline.emotion import EMOTIONS, LABELS
from data_pipeline.errors import UserError

LABEL_KINDS = ("acted", "voted", "soft")


@dataclass(frozen=True, slots=True)
class Target:
    """What is learned or measured against.

    Attributes:
        labels: Emotions in the order of the model's outputs. Clips acted with another emotion are left out.
        kind: `acted`: the emotion that the speaker was asked for. `voted`: the emotion that most listeners heard, of
            all that they could name. `soft`: the shares of their votes on the labels. A clip without votes counts as
            acted.
        votes_share: Where `acted` is learned: share of a label that is spread as listeners' votes on the labels are.
            The right answer stays the acted one.

    `truth` names no right answer for a clip on which votes tie. For `voted` it names none either where an emotion that
    is no label was heard as often as any label, or more often; `soft` does not look at votes on other emotions. In
    training, where every clip needs something to be learned from it, labels that tie share it evenly, one that most
    listeners heard as none of the labels is learned as `soft` has it, and one without votes on the labels as acted.
    """

    labels: tuple[str, ...] = LABELS
    kind: str = "acted"
    votes_share: float = 0.0

    def __post_init__(self) -> None:
        unknown = [label for label in self.labels if label not in EMOTIONS]
        if unknown or len(set(self.labels)) != len(self.labels) or len(self.labels) < 2:
            raise UserError(
                f"{', '.join(self.labels)!r} are no labels; name two or more of {', '.join(EMOTIONS)}, each once"
            )
        if self.kind not in LABEL_KINDS:
            raise UserError(f"{self.kind!r} is no kind of labels; choose one of {', '.join(LABEL_KINDS)}")
        if not 0 <= self.votes_share <= 1:
            raise UserError(f"votes_share is {self.votes_share!r}: give a share between 0 and 1")
        if self.votes_share and self.kind != "acted":
            raise UserError(
                f"votes_share mixes votes into acted labels, and {self.kind!r} are votes already: give --votes-share 0"
            )

    @property
    def learns_votes(self) -> bool:
        """Whether listeners' votes decide, or help to decide, what is learned."""
        return self.kind != "acted" or self.votes_share > 0

    def clips(self, split: Split) -> int:
        """How many clips of a split have one of the labels."""
        return sum(split.emotions.get(label, 0) for label in self.labels)

    def outside(self, split: Split) -> dict[str, int]:
        """The clips of a split that have none of the labels, counted by their emotion."""
        return {emotion: count for emotion, count in split.emotions.items() if emotion not in self.labels and count}

    def indices(self, emotions: np.ndarray) -> np.ndarray:
        """The place of each emotion in the labels.

        Args:
            emotions: strings [clips], each one of the labels.

        Returns:
            int64 [clips].

        Raises:
            ValueError: If an emotion is none of the labels.
        """
        return np.array([self.labels.index(emotion) for emotion in emotions], np.int64)

    @property
    def vote_columns(self) -> list[int]:
        """Where, among a record's votes, those on the labels stand."""
        return [EMOTIONS.index(label) for label in self.labels]


def truth(label: np.ndarray, votes: np.ndarray, target: Target) -> np.ndarray:
    """The one right answer for each clip, to choose epochs by and to measure against.

    Args:
        label: int [clips], index of the acted emotion in the target's labels.
        votes: int [clips, emotions], in the order of `EMOTIONS`.
        target: Whose word is taken. For `voted` it is the emotion that most listeners heard, for `soft` the label
            with the largest share. A clip without votes (for `soft`: on any of the labels) counts as acted.

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
