"""Which clips a model learns from, which it is tuned on, and which it is measured on.

Pure functions from clips or speakers to sides. Every kind of split but `random` keeps a speaker on one side,
since a model that has heard a speaker recognises that speaker's emotions better than a stranger's.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from data_pipeline.clip import Clip
from data_pipeline.errors import UserError
from data_pipeline.side import Side

SpeakerSides = Callable[[Sequence[Clip]], Mapping[str, Side]]
"""A corpus's own speaker split: a side for each speaker of the clips given."""

_SEED = 0
_SHARES: dict[Side, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}


class SplitKind(Protocol):
    """A way of dividing the clips of one corpus."""

    @property
    def title(self) -> str:
        """As the user writes it and as reports name it."""

    def sides(self, clips: Sequence[Clip], speaker_sides: SpeakerSides) -> dict[str, Side]:
        """Divide the clips.

        Args:
            clips: All of one corpus.
            speaker_sides: That corpus's own speaker split.

        Returns:
            The side of each clip, by the clip's name.
        """


@dataclass(frozen=True, slots=True)
class BySpeaker:
    """Each corpus's own speaker split."""

    @property
    def title(self) -> str:
        """`speaker`."""
        return "speaker"

    def sides(self, clips: Sequence[Clip], speaker_sides: SpeakerSides) -> dict[str, Side]:
        """See `SplitKind.sides`."""
        side_of = speaker_sides(clips)
        return {clip.name: side_of[clip.speaker] for clip in clips}


@dataclass(frozen=True, slots=True)
class Random:
    """Clip by clip, 70/10/20: speakers are on all sides, so its figures flatter; for comparison only."""

    @property
    def title(self) -> str:
        """`random`."""
        return "random"

    def sides(self, clips: Sequence[Clip], speaker_sides: SpeakerSides) -> dict[str, Side]:  # noqa: ARG002
        """See `SplitKind.sides`."""
        return _divide(_shuffled({clip.name for clip in clips}))


@dataclass(frozen=True, slots=True)
class Fold:
    """Cross-validation by speaker: one fold of the speakers validates, the others train.

    The test speakers of the corpus's own split stay test speakers.

    Attributes:
        number: Which fold validates, from 1.
        count: How many folds there are.
    """

    number: int
    count: int

    @property
    def title(self) -> str:
        """`fold:K/N`."""
        return f"fold:{self.number}/{self.count}"

    def sides(self, clips: Sequence[Clip], speaker_sides: SpeakerSides) -> dict[str, Side]:
        """See `SplitKind.sides`.

        Raises:
            UserError: If there are fewer speakers than folds.
        """
        own = speaker_sides(clips)
        sexes = {clip.speaker: clip.sex for clip in clips if own[clip.speaker] != "test"}
        if len(sexes) < self.count:
            raise UserError(
                f"{self.title} needs {self.count} speakers outside the test side and there are "
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


def parse_split(text: str) -> SplitKind:
    """The split that a user asks for.

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


def shuffled_speakers(sexes: Mapping[str, str]) -> dict[str, Side]:
    """Speakers shuffled with a fixed seed and cut 70/10/20, each side with its share of women and men.

    From three speakers on, every side has at least one; two make a training and a validation side.

    Args:
        sexes: The sex of each speaker, or an empty string; the speakers' order does not matter.

    Returns:
        The side of each; it depends on the speakers and their sexes only.
    """
    return _divide(_stratified(sexes))


def folds_of_speakers(kinds: Mapping[str, str], count: int) -> dict[str, int]:
    """The fold of each speaker, shuffled with a fixed seed, every fold with its share of each kind of speaker.

    Args:
        kinds: Of each speaker, as the sex, or an empty string; the speakers' order does not matter.
        count: How many folds there are.

    Returns:
        From 1 to `count`; it depends on the speakers and their kinds only.
    """
    # One kind after the other, dealt out in turn.
    speakers = [speaker for stratum in _strata(kinds) for speaker in stratum]
    return {speaker: place % count + 1 for place, speaker in enumerate(speakers)}


def _divide(shuffled: Sequence[str]) -> dict[str, Side]:
    validation, test = (max(1, round(_SHARES[side] * len(shuffled))) for side in ("validation", "test"))
    if len(shuffled) < 3:
        validation, test = len(shuffled) // 2, 0
    train = len(shuffled) - validation - test
    side_of: dict[str, Side] = dict.fromkeys(shuffled[:train], "train")
    side_of |= dict.fromkeys(shuffled[train : train + validation], "validation")
    side_of |= dict.fromkeys(shuffled[train + validation :], "test")
    return side_of


def _stratified(sexes: Mapping[str, str]) -> list[str]:
    """Speakers in a random order in which every stretch has its share of each sex."""
    places: list[tuple[float, int, str]] = []
    for number, stratum in enumerate(_strata(sexes)):
        # The speakers of each sex are spread evenly over the line from 0 to 1.
        places += [((index + 0.5) / len(stratum), number, speaker) for index, speaker in enumerate(stratum)]
    return [speaker for _, _, speaker in sorted(places)]


def _strata(sexes: Mapping[str, str]) -> list[list[str]]:
    """The speakers of each sex, shuffled."""
    return [_shuffled(speaker for speaker in sexes if sexes[speaker] == sex) for sex in sorted(set(sexes.values()))]


def _shuffled(items: Iterable[str]) -> list[str]:
    # numpy promises never to change RandomState's stream (NEP 19), so that a split stays what it was.
    order = sorted(items)
    np.random.RandomState(_SEED).shuffle(order)
    return order
