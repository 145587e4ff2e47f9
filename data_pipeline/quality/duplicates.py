"""Recordings that are one: sample for sample, or nearly.

A digest of the samples tells identical recordings; `near_duplicates` finds those that are nearly identical.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data_pipeline.emotion import Emotion
from data_pipeline.quality.recording import Recording
from data_pipeline.splits import SplitName

Pair = tuple[int, int]
"""Two recordings by their places, the earlier one first."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Identical recordings that are said to be different: of several emotions, or in several splits.

    Attributes:
        names: Names of the clips, each `corpus/name`, sorted.
        values: What each is said to be.
    """

    names: tuple[str, ...]
    values: tuple[str, ...]


def conflicts(clips: Sequence[tuple[str, str]], digests: Sequence[str]) -> list[Conflict]:
    """Clips with identical samples and different values.

    Args:
        clips: Name and value (an emotion, a split) of each clip.
        digests: Digest of the samples of each clip.

    Returns:
        One conflict for each group of such clips, sorted by name.
    """
    groups = [sorted(clips[place] for place in places) for places in identical(digests)]
    named = [tuple(zip(*group, strict=True)) for group in sorted(groups)]
    return [Conflict(names, values) for names, values in named if len(set(values)) > 1]


def identical(digests: Sequence[str]) -> list[list[int]]:
    """Places of equal digests.

    Args:
        digests: Digest of the samples of each recording; an empty one takes no part.

    Returns:
        The places of each digest that occurs more than once, in ascending order.
    """
    places_of: dict[str, list[int]] = {}
    for place, digest in enumerate(digests):
        if digest:
            places_of.setdefault(digest, []).append(place)
    return [places for places in places_of.values() if len(places) > 1]


@dataclass(frozen=True, slots=True)
class Match:
    """How two recordings of one sound lie against each other.

    Attributes:
        correlation: Correlation of the waveforms, 0 to 1.
        shift: Seconds into the first at which the second begins; negative if it begins earlier.
        gain: Decibels by which the second is louder.
    """

    correlation: float
    shift: float
    gain: float


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Recordings that are one.

    Attributes:
        places: Places of the recordings among those that were checked, ascending.
        recordings: The recordings themselves.
        exact: Whether their samples are identical at 16 kHz.
        matches: Unless they are identical: how pairs of them lie against each other.
    """

    places: tuple[int, ...]
    recordings: tuple[Recording, ...]
    exact: bool
    matches: tuple[tuple[Pair, Match], ...] = ()

    @property
    def emotions(self) -> frozenset[Emotion]:
        """The labels that they carry."""
        return frozenset(recording.emotion for recording in self.recordings if recording.emotion is not None)

    @property
    def speakers(self) -> frozenset[tuple[str, str]]:
        """Corpus and name of the speakers that they are said to be of."""
        return frozenset((recording.corpus, recording.speaker) for recording in self.recordings if recording.speaker)

    @property
    def splits(self) -> frozenset[SplitName]:
        """The splits that they are in."""
        return frozenset(recording.split for recording in self.recordings if recording.split is not None)

    @property
    def contradictory(self) -> bool:
        """Whether one sound carries several labels."""
        return len(self.emotions) > 1

    @property
    def leaking(self) -> bool:
        """Whether one sound is in several splits, so that a model is measured on what it learned."""
        return len(self.splits) > 1


def identical_groups(recordings: Sequence[Recording], digests: Sequence[str]) -> list[DuplicateGroup]:
    """Recordings whose samples are identical.

    Args:
        recordings: All that were checked.
        digests: Digest of the samples of each; an empty one takes no part.

    Returns:
        A group for each digest that occurs more than once, by place.
    """
    return [_group(places, recordings, exact=True) for places in identical(digests)]


def linked_groups(recordings: Sequence[Recording], matches: Iterable[tuple[Pair, Match]]) -> list[DuplicateGroup]:
    """Recordings that matching pairs link.

    Args:
        recordings: All that were checked.
        matches: Pairs that were found to be one recording.

    Returns:
        A group for each set of recordings that pairs link, by place.
    """
    links = sorted(matches, key=lambda link: link[0])
    root: dict[int, int] = {}

    def find(place: int) -> int:
        while root.setdefault(place, place) != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    for (first, second), _ in links:
        low, high = sorted((find(first), find(second)))
        root[high] = low
    groups: dict[int, list[int]] = {}
    for place in sorted(root):
        groups.setdefault(find(place), []).append(place)
    links_of: dict[int, list[tuple[Pair, Match]]] = {}
    for link in links:
        links_of.setdefault(find(link[0][0]), []).append(link)
    return [_group(places, recordings, exact=False, matches=links_of[head]) for head, places in groups.items()]


def _group(
    places: Sequence[int],
    recordings: Sequence[Recording],
    exact: bool,
    matches: Sequence[tuple[Pair, Match]] = (),
) -> DuplicateGroup:
    return DuplicateGroup(tuple(places), tuple(recordings[place] for place in places), exact, tuple(matches))
