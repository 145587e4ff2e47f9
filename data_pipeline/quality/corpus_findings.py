"""What the measurements say against a corpus as a whole, although no single recording of it is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.quality.findings import FEWEST
from data_pipeline.quality.measure import Measurement
from data_pipeline.quality.recording import Recording

DURATIONS_ALIKE = "durations alike"
"""Kind of the finding that a corpus was cut or padded to one duration."""

ALIKE = 0.01
"""Seconds by which two durations may differ that are alike."""

ALIKE_SHARE = 0.5
"""Least share of clips with one duration of a corpus that was cut or padded. Of speech as it was spoken, at most one
clip in 16 shares a duration: CREMA-D 4.9 %, RAVDESS 6.7 %. Of an EmoDB that a mirror cut to 2.00 s, all do."""


@dataclass(frozen=True, slots=True)
class CorpusFinding:
    """Something that is wrong with a corpus.

    Attributes:
        corpus: Name of the corpus.
        kind: What is wrong, in two or three words.
        detail: What is wrong with figures and what to do, worded to follow the corpus's name.
    """

    corpus: str
    kind: str
    detail: str


def judge_corpora(recordings: Sequence[Recording], measurements: Sequence[Measurement]) -> list[CorpusFinding]:
    """Find what is wrong with corpora as a whole.

    Args:
        recordings: All recordings.
        measurements: Measurement of each.

    Returns:
        Findings in the order of the corpora.
    """
    durations: dict[str, list[float]] = {}
    for recording, measurement in zip(recordings, measurements, strict=True):
        if not measurement.failure:
            durations.setdefault(recording.corpus, []).append(measurement.seconds)
    return [
        CorpusFinding(corpus, DURATIONS_ALIKE, detail)
        for corpus, seconds in durations.items()
        if (detail := _durations_alike(np.array(seconds)))
    ]


def _durations_alike(seconds: np.ndarray) -> str | None:
    """What is wrong with the durations of a corpus, float [clips] in seconds, or None."""
    # If half of the durations are alike, the median is one of them.
    usual = float(np.median(seconds))
    # A microsecond for the rounding of floats.
    alike = int((np.abs(seconds - usual) <= ALIKE + 1e-6).sum())
    if len(seconds) < FEWEST or alike < ALIKE_SHARE * len(seconds):
        return None
    return (
        f"has {alike:,} of {len(seconds):,} clips of {usual:.2f} s each: speech was cut off or silence was added, so "
        "figures on it say little; get the original recordings"
    )
