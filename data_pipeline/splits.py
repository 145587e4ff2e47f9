"""The names of the splits, and speakers divided into splits or folds.

A model learns from `train`, is tuned on `validation` and is measured on `test`. A model recognises the emotions of
speakers that it was trained on better than those of others, so a speaker belongs to one split.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

SplitName = Literal["train", "validation", "test"]

SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")

_WORDS: dict[str, SplitName] = {
    **{split: split for split in SPLITS},
    **dict.fromkeys(("dev", "val", "valid", "eval"), "validation"),
}

_SEED = 0
_SHARES: dict[SplitName, float] = {"train": 0.7, "validation": 0.1, "test": 0.2}


def split_named(word: str) -> SplitName | None:
    """The split that a word means, in upper or lower case; None if it means none."""
    return _WORDS.get(word.lower())


def shuffled_splits(kinds: Mapping[str, str]) -> dict[str, SplitName]:
    """Shuffle speakers (or clips) with a fixed seed and cut them 70/10/20, each split with its share of each kind.

    From three speakers on, every split has at least one; two make a training and a validation split.

    Args:
        kinds: The kind of each speaker, such as the sex, or an empty string; the order of the speakers does not matter.

    Returns:
        The split of each; it depends on the speakers and their kinds only.
    """
    shuffled = _stratified(kinds)
    validation, test = (max(1, round(_SHARES[split] * len(shuffled))) for split in ("validation", "test"))
    if len(shuffled) < 3:
        validation, test = len(shuffled) // 2, 0
    train = len(shuffled) - validation - test
    split_of: dict[str, SplitName] = dict.fromkeys(shuffled[:train], "train")
    split_of |= dict.fromkeys(shuffled[train : train + validation], "validation")
    split_of |= dict.fromkeys(shuffled[train + validation :], "test")
    return split_of


def folds_of_speakers(kinds: Mapping[str, str], count: int) -> dict[str, int]:
    """Shuffle speakers with a fixed seed and deal them out to folds, each fold with its share of each kind.

    Args:
        kinds: The kind of each speaker, such as the sex, or an empty string; the order of the speakers does not matter.
        count: Number of folds.

    Returns:
        The fold of each, from 1 to `count`; it depends on the speakers and their kinds only.
    """
    # One kind after the other, dealt out in turn.
    speakers = [speaker for stratum in _strata(kinds) for speaker in stratum]
    return {speaker: place % count + 1 for place, speaker in enumerate(speakers)}


def _stratified(kinds: Mapping[str, str]) -> list[str]:
    """Speakers in a random order in which every stretch has its share of each kind."""
    places: list[tuple[float, int, str]] = []
    for number, stratum in enumerate(_strata(kinds)):
        # The speakers of each kind are spread evenly over the line from 0 to 1.
        places += [((index + 0.5) / len(stratum), number, speaker) for index, speaker in enumerate(stratum)]
    return [speaker for _, _, speaker in sorted(places)]


def _strata(kinds: Mapping[str, str]) -> list[list[str]]:
    """The speakers of each kind, shuffled."""
    return [_shuffled(speaker for speaker in kinds if kinds[speaker] == kind) for kind in sorted(set(kinds.values()))]


def _shuffled(speakers: Iterable[str]) -> list[str]:
    # numpy promises never to change RandomState's stream (NEP 19), so a split stays what it was.
    order = sorted(speakers)
    np.random.RandomState(_SEED).shuffle(order)
    return order
