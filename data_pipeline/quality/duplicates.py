"""Recordings that hold the same samples."""

from collections.abc import Iterable
from dataclasses import dataclass

from data_pipeline.emotion import Emotion


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The same audio under different labels.

    Attributes:
        names: Of the clips, each `corpus/name`, sorted.
        emotions: The label of each.
    """

    names: tuple[str, ...]
    emotions: tuple[Emotion, ...]


def contradictions(clips: Iterable[tuple[str, Emotion, str]]) -> list[Contradiction]:
    """Clips whose samples are identical and whose emotions are not.

    Args:
        clips: `corpus/name`, emotion and a digest of the samples of each.

    Returns:
        One for each group of such clips, sorted by name.
    """
    same: dict[str, list[tuple[str, Emotion]]] = {}
    for name, emotion, digest in clips:
        same.setdefault(digest, []).append((name, emotion))
    groups = (sorted(group) for group in same.values() if len({emotion for _, emotion in group}) > 1)
    return [
        Contradiction(tuple(name for name, _ in group), tuple(emotion for _, emotion in group))
        for group in sorted(groups)
    ]
