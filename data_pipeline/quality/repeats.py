"""Groups of recordings that are one: sample for sample, or nearly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data_pipeline.emotion import Emotion
from data_pipeline.quality.near_duplicates import Match
from data_pipeline.quality.recording import Recording
from data_pipeline.splits import SplitName

Pair = tuple[int, int]
"""Two recordings by their places, the earlier first."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Recordings that are one.

    Attributes:
        places: Of the recordings among those that were checked, ascending.
        recordings: They themselves.
        exact: Whether their samples are identical at 16 kHz.
        matches: Unless they are: how pairs of them lie against each other.
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


def exact_repeats(recordings: Sequence[Recording], digests: Sequence[str]) -> list[Repeats]:
    """Recordings whose samples are identical.

    Args:
        recordings: All that were checked.
        digests: Of the samples of each; an empty one takes no part.

    Returns:
        A group for each digest that occurs more than once, by place.
    """
    same: dict[str, list[int]] = {}
    for place, digest in enumerate(digests):
        if digest:
            same.setdefault(digest, []).append(place)
    return [_group(places, recordings, exact=True) for places in same.values() if len(places) > 1]


def near_repeats(recordings: Sequence[Recording], matches: Iterable[tuple[Pair, Match]]) -> list[Repeats]:
    """Recordings that are one by way of matching pairs.

    Args:
        recordings: All that were checked.
        matches: Pairs that were found to be one.

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
) -> Repeats:
    return Repeats(tuple(places), tuple(recordings[place] for place in places), exact, tuple(matches))
