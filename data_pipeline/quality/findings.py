"""Findings: what the measurements say against a recording, by itself and compared with the rest of its corpus."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from data_pipeline.audio.limits import LONGEST
from data_pipeline.quality.measure import Measurement
from data_pipeline.quality.recording import Recording


class Kind(StrEnum):
    """What can be wrong with a recording; the first seven make it useless."""

    UNREADABLE = "unreadable"
    EMPTY = "empty"
    SILENT = "silent"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    NO_SPEECH = "no speech"
    PARTIES = "channels differ"
    CUT_OFF = "cut off"
    CLIPPED = "clipped"
    LEVEL = "level out of line"
    OFFSET = "DC offset"
    GAPS = "gaps"
    DEAD_CHANNEL = "dead channel"
    RATE = "sampling rate out of line"
    CHANNELS = "channels out of line"
    SHORT = "unusually short"
    LONG = "unusually long"


UNUSABLE = frozenset(
    {Kind.UNREADABLE, Kind.EMPTY, Kind.SILENT, Kind.TOO_SHORT, Kind.TOO_LONG, Kind.NO_SPEECH, Kind.PARTIES}
)
"""Kinds for which `ser data prepare` sets a clip aside."""

CLIPPED_SHARE = 0.001
"""Least share of samples at full scale of a clipped recording: one in a thousand. EmoDB, which is amplified to full
scale, has at most one in 5,000. All limits from EmoDB are of a copy whose clips are cut or padded to 2.00 s."""

CLIPPED_RUN = 5
"""Least number of samples at full scale in a row of a clipped recording, whatever their share: speech that is merely
loud has at most 3 in a row (EmoDB at 22 kHz)."""

OFFSET = 0.01
"""Least mean of the samples that counts as a DC offset: -40 dB of full scale. EmoDB has up to 0.006, CREMA-D 0.0006."""

GAPS = 0.5
"""Least share of samples that are exactly zero with which something is missing: RAVDESS, which was edited with
digital silence, and EmoDB, whose copy was padded with it, have up to 0.39."""

SHORT = 0.4
"""Duration in seconds of a word said slowly; a shorter recording is reported. The shortest clip of CREMA-D has 1.3."""

LONG = 30.0
"""Duration in seconds above which a recording is hardly one utterance; it takes more memory than its whole batch."""

LEVEL_SPREAD = 4.0
"""Robust standard deviations (1.4826 median absolute deviations) by which a level may differ from the median of its
corpus. Acted emotions differ in level by themselves: the robust deviation of CREMA-D is 9 dB."""

LEVEL_DISTANCE = 15.0
"""Decibels by which a level may differ in any case, for corpora with evened levels (EmoDB: 2.4 dB, at most 14)."""

QUIETEST = -60.0
"""Least level of speech in any corpus, in dB of full scale: 11 dB below the quietest clip of CREMA-D and RAVDESS."""

_RARE = 0.1
"""Share of a corpus below which a sampling rate or number of channels is out of line; a larger share is that of another
source."""

FEWEST = 10
"""Least number of recordings of a corpus with which anything is compared."""

_FAILURES = {
    "is empty": Kind.EMPTY,
    "holds no samples": Kind.EMPTY,
    f"lasts longer than {LONGEST:g} s": Kind.TOO_LONG,
}
"""Beginnings of the failures of `decode` that are kinds of their own."""

_REASONS = {"is shorter": Kind.TOO_SHORT, "is silent": Kind.SILENT, "has": Kind.PARTIES}
"""Beginnings of the reasons for which `prepare` sets aside what could be decoded; any other means too little speech."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a recording.

    Attributes:
        place: Place of the recording among those that were checked.
        kind: What is wrong.
        detail: What is wrong with figures, worded to follow the recording's name.
    """

    place: int
    kind: Kind
    detail: str


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is usual in a corpus.

    Attributes:
        level: Median level in dB of full scale.
        spread: Decibels by which a level may differ from it.
        rates: Sampling rates in Hz that are not rare, the most frequent first.
        channels: Numbers of channels that are not rare, the most frequent first.
    """

    level: float
    spread: float
    rates: tuple[int, ...]
    channels: tuple[int, ...]


def judge(recordings: Sequence[Recording], measurements: Sequence[Measurement]) -> list[Finding]:
    """Find everything that is wrong with single recordings.

    Args:
        recordings: All recordings.
        measurements: Measurement of each.

    Returns:
        Findings sorted by place, then in the order of kinds.
    """
    by_corpus: dict[str, list[Measurement]] = {}
    for recording, measurement in zip(recordings, measurements, strict=True):
        if not measurement.failure and not measurement.unusable_reason:
            by_corpus.setdefault(recording.corpus, []).append(measurement)
    usual = {corpus: _usual(group) for corpus, group in by_corpus.items() if len(group) >= FEWEST}
    return [
        Finding(place, kind, detail)
        for place, (recording, measurement) in enumerate(zip(recordings, measurements, strict=True))
        for kind, detail in _judge_one(measurement, usual.get(recording.corpus))
    ]


def _usual(measurements: Sequence[Measurement]) -> _Usual:
    levels = np.array([measurement.level for measurement in measurements])
    median = float(np.median(levels))
    deviation = 1.4826 * float(np.median(np.abs(levels - median)))
    return _Usual(
        median,
        max(LEVEL_DISTANCE, LEVEL_SPREAD * deviation),
        _frequent(measurement.rate for measurement in measurements),
        _frequent(measurement.channels for measurement in measurements),
    )


def _frequent(values: Iterable[int]) -> tuple[int, ...]:
    counts = Counter(values)
    return tuple(value for value, count in counts.most_common() if count >= _RARE * counts.total())


def _judge_one(measurement: Measurement, usual: _Usual | None) -> list[tuple[Kind, str]]:
    if measurement.failure:
        kinds = (kind for words, kind in _FAILURES.items() if measurement.failure.startswith(words))
        return [(next(kinds, Kind.UNREADABLE), measurement.failure)]
    if measurement.unusable_reason:
        reason = measurement.unusable_reason
        kinds = (kind for words, kind in _REASONS.items() if reason.startswith(words))
        return [(next(kinds, Kind.NO_SPEECH), reason)]
    return [*_by_itself(measurement), *(_beside_others(measurement, usual) if usual else [])]


def _by_itself(measurement: Measurement) -> list[tuple[Kind, str]]:
    found = []
    if measurement.cut_off:
        found.append((Kind.CUT_OFF, f"is cut off: its file should go on after {measurement.seconds:.2f} s"))
    if measurement.full_scale >= CLIPPED_SHARE or measurement.longest_clip >= CLIPPED_RUN:
        found.append(
            (
                Kind.CLIPPED,
                f"is clipped: {measurement.full_scale:.2%} of its samples are at full scale, "
                f"{measurement.longest_clip} in a row",
            )
        )
    if measurement.level < QUIETEST:
        found.append((Kind.LEVEL, f"is hardly audible: {measurement.level:.1f} dBFS where it is loud"))
    if abs(measurement.offset) >= OFFSET:
        found.append((Kind.OFFSET, f"has a DC offset of {measurement.offset:+.3f} of full scale"))
    if measurement.zeros >= GAPS:
        found.append((Kind.GAPS, f"is digital silence for {measurement.zeros:.0%} of its time"))
    if measurement.dead_channels:
        found.append((Kind.DEAD_CHANNEL, f"has sound on only {_alive(measurement)} channels"))
    if measurement.seconds < SHORT:
        found.append((Kind.SHORT, f"lasts {measurement.seconds:.2f} s"))
    if measurement.seconds > LONG:
        found.append((Kind.LONG, f"lasts {measurement.seconds:.1f} s"))
    return found


def _alive(measurement: Measurement) -> str:
    return f"{measurement.channels - measurement.dead_channels} of {measurement.channels}"


def _beside_others(measurement: Measurement, usual: _Usual) -> list[tuple[Kind, str]]:
    found = []
    distance = measurement.level - usual.level
    if abs(distance) > usual.spread and measurement.level >= QUIETEST:
        found.append(
            (
                Kind.LEVEL,
                f"is {abs(distance):.0f} dB {'louder' if distance > 0 else 'quieter'} than its corpus's median of "
                f"{usual.level:.0f} dBFS",
            )
        )
    if usual.rates and measurement.rate not in usual.rates:
        found.append((Kind.RATE, f"has {measurement.rate:,} Hz where its corpus has {usual.rates[0]:,} Hz"))
    if usual.channels and measurement.channels not in usual.channels:
        found.append((Kind.CHANNELS, f"has {measurement.channels} channels where its corpus has {usual.channels[0]}"))
    return found
