"""The kinds of split: by speaker, in folds of speakers, or clip by clip.

Every kind but `random` keeps a speaker in one split.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from data_pipeline.clip import Clip
from data_pipeline.errors import UserError
from data_pipeline.splits import SplitName, folds_of_speakers, shuffled_splits

SpeakerSplits = Callable[[Sequence[Clip]], Mapping[str, SplitName]]
"""A corpus's own speaker split: the split of each speaker of the clips given."""


class SplitKind(Protocol):
    """A way of dividing the clips of one corpus."""

    @property
    def title(self) -> str:
        """The kind as the user writes it and as reports show it."""

    def assign(self, clips: Sequence[Clip], speaker_splits: SpeakerSplits) -> dict[str, SplitName]:
        """Divide the clips.

        Args:
            clips: All clips of one corpus.
            speaker_splits: Speaker split of that corpus.

        Returns:
            The split of each clip, by the clip's name.
        """


@dataclass(frozen=True, slots=True)
class BySpeaker:
    """Each corpus's own speaker split."""

    @property
    def title(self) -> str:
        """`speaker`."""
        return "speaker"

    def assign(self, clips: Sequence[Clip], speaker_splits: SpeakerSplits) -> dict[str, SplitName]:
        """See `SplitKind.assign`."""
        split_of = speaker_splits(clips)
        return {clip.name: split_of[clip.speaker] for clip in clips}


@dataclass(frozen=True, slots=True)
class Random:
    """Clip by clip, 70/10/20. Speakers are in all splits, so figures are too good; for comparison only."""

    @property
    def title(self) -> str:
        """`random`."""
        return "random"

    def assign(self, clips: Sequence[Clip], speaker_splits: SpeakerSplits) -> dict[str, SplitName]:  # noqa: ARG002
        """See `SplitKind.assign`."""
        return shuffled_splits({clip.name: "" for clip in clips})


@dataclass(frozen=True, slots=True)
class Fold:
    """Cross-validation by speaker: one fold of speakers is for validation, the others are for training.

    The test speakers of the corpus's own split stay test speakers.

    Attributes:
        number: Number of the fold for validation, from 1.
        count: Number of folds.
    """

    number: int
    count: int

    @property
    def title(self) -> str:
        """`fold:K/N`."""
        return f"fold:{self.number}/{self.count}"

    def assign(self, clips: Sequence[Clip], speaker_splits: SpeakerSplits) -> dict[str, SplitName]:
        """See `SplitKind.assign`.

        Raises:
            UserError: If there are fewer speakers than folds.
        """
        own = speaker_splits(clips)
        sexes = {clip.speaker: clip.sex for clip in clips if own[clip.speaker] != "test"}
        if len(sexes) < self.count:
            raise UserError(
                f"{self.title} needs {self.count} speakers outside the test split and there are "
                f"{len(sexes)} of {clips[0].corpus}: choose fewer folds"
            )
        fold_of = folds_of_speakers(sexes, self.count)
        return {
            clip.name: "test"
            if own[clip.speaker] == "test"
            else "validation"
            if fold_of[clip.speaker] == self.number
            else "train"
            for clip in clips
        }


def parse_split_kind(text: str) -> SplitKind:
    """The kind of split that a user asks for.

    Args:
        text: `speaker`, `random` or `fold:K/N`.

    Raises:
        UserError: If it is none of these.
    """
    if text == "speaker":
        return BySpeaker()
    if text == "random":
        return Random()
    fold = re.fullmatch(r"fold:(\d{1,4})/(\d{1,4})", text)
    if fold is None:
        raise UserError(f"{text!r} is no split; write speaker, random or fold:K/N (as fold:1/5)")
    number, count = int(fold[1]), int(fold[2])
    if count < 2 or not 1 <= number <= count:
        raise UserError(f"{text!r} is no fold; in fold:K/N, N is at least 2 and K goes from 1 to N")
    return Fold(number, count)
