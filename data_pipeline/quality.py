"""What is wrong with the clips of a corpus: the useless ones, and those that contradict each other."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from data_pipeline.decode import SAMPLE_RATE
from data_pipeline.emotion import Emotion

SHORTEST = 0.1
"""Seconds below which a clip is set aside: less than a syllable."""

SILENCE = 16
"""int16 amplitude that some sample must reach, -66 dB of full scale. Dither and the smallest step of G.711
µ-law (8) stay below; the quietest clip of CREMA-D with a voice in it peaks above 700."""


def objection(pcm: np.ndarray) -> str | None:
    """Why a waveform is no use as an utterance.

    Args:
        pcm: int16 [samples] at 16 kHz.

    Returns:
        What is wrong, worded to follow the file's name (`is silent: …`), or None.
    """
    seconds = len(pcm) / SAMPLE_RATE
    if seconds < SHORTEST:
        return f"is shorter than {SHORTEST:g} s ({seconds:.3f} s)"
    # In int32, since the magnitude of -32,768 does not fit into int16.
    if np.abs(pcm.astype(np.int32)).max() < SILENCE:
        return f"is silent: no sample reaches {SILENCE} of 32,768"
    return None


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
