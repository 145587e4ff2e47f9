"""The quality of corpora before they are prepared: all that `ser data check` does but talk to the user."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import SetAside, UserError
from data_pipeline.quality.duplicates import DuplicateGroup, Match, Pair, identical_groups, linked_groups
from data_pipeline.quality.findings import UNUSABLE, Finding, Kind, find
from data_pipeline.quality.measure import Measurement, measure
from data_pipeline.quality.near_duplicates import candidates, compare
from data_pipeline.quality.outline import Outline, outline
from data_pipeline.quality.recording import DEADLY, Recording
from data_pipeline.quality.sources import Found, find_recordings
from data_pipeline.storage.atomic_file import replacing
from data_pipeline.workers.pool import map_items
from data_pipeline.workers.process import worker_count

FORMAT = 1
"""Version of the layout of `check.json`."""

PLOTTED = 60
"""Number of findings whose waveforms are drawn, the worst kinds first; as many may be drawn of repeated audio."""

Progress = Callable[[str, int, int], object]
"""Called with the name of the step (`measuring`), the number of items that are done, and of all items."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found.

    Attributes:
        recordings: Recordings that were checked, in the order of the sources.
        measurements: Measurement of each recording.
        findings: What is wrong with single recordings, sorted by place.
        repeats: Audio that is there more than once: identical, then nearly identical.
        outlines: Waveforms of some recordings with findings, by place.
        set_aside: Clips that cannot be used as their corpus describes them.
        ignored: Audio files among the clips whose names do not belong to their corpus.
        elsewhere: Audio files that were not checked, since their place was recognised as a corpus to which they do not
            belong; they may belong to another one.
    """

    recordings: tuple[Recording, ...]
    measurements: tuple[Measurement, ...]
    findings: tuple[Finding, ...]
    repeats: tuple[DuplicateGroup, ...]
    outlines: dict[int, Outline]
    set_aside: tuple[SetAside, ...]
    ignored: tuple[str, ...]
    elsewhere: tuple[str, ...]

    @property
    def corpora(self) -> tuple[str, ...]:
        """Names of the corpora, in the order of the sources."""
        return tuple(dict.fromkeys(recording.corpus for recording in self.recordings))

    @property
    def counts(self) -> dict[Kind, int]:
        """Number of findings of each kind that occurs."""
        counts = Counter(finding.kind for finding in self.findings)
        return {kind: counts[kind] for kind in Kind if counts[kind]}

    @property
    def unusable(self) -> int:
        """Number of recordings that no dataset can hold, including those that a manifest describes badly."""
        return len({finding.place for finding in self.findings if finding.kind in UNUSABLE}) + len(self.set_aside)

    @property
    def contradictions(self) -> int:
        """Number of groups of repeated audio with several labels."""
        return sum(group.contradictory for group in self.repeats)

    @property
    def leaks(self) -> int:
        """Number of groups of repeated audio in several splits."""
        return sum(group.leaking for group in self.repeats)


def check(sources: Sequence[str], workers: int | None = None, on_progress: Progress = lambda *_: None) -> Check:
    """Measure every recording, judge it, and look for audio that is there more than once.

    The result depends on the files only, not on the number of workers.

    Args:
        sources: See `quality.sources.find_recordings`.
        workers: Number of processes; by default one for each processor that this process may use.
        on_progress: Called on this thread.

    Raises:
        UserError: If a source is unusable, or processes cannot be started.
    """
    workers = worker_count(workers)
    found = find_recordings(sources)
    measurements = _measure(found.recordings, workers, on_progress)
    findings = find(found.recordings, measurements)
    repeats = _find_repeats(found.recordings, measurements, findings, workers, on_progress)
    outlines = _outlines(found.recordings, findings, repeats, workers, on_progress)
    return _assemble(found, measurements, findings, repeats, outlines)


def _assemble(
    found: Found,
    measurements: Sequence[Measurement],
    findings: Sequence[Finding],
    repeats: Sequence[DuplicateGroup],
    outlines: dict[int, Outline],
) -> Check:
    return Check(
        recordings=found.recordings,
        measurements=tuple(measurements),
        findings=tuple(findings),
        repeats=tuple(repeats),
        outlines=outlines,
        set_aside=found.set_aside,
        ignored=found.ignored,
        elsewhere=found.elsewhere,
    )


def _measure(recordings: Sequence[Recording], workers: int, on_progress: Progress) -> list[Measurement]:
    measured = map_items(measure, recordings, workers, lambda done: on_progress("measuring", done, len(recordings)))
    return [one or Measurement(failure=DEADLY) for one in measured]


def _find_repeats(
    recordings: Sequence[Recording],
    measurements: Sequence[Measurement],
    findings: Sequence[Finding],
    workers: int,
    on_progress: Progress,
) -> list[DuplicateGroup]:
    # All silence is identical; the findings report it already.
    useless = {finding.place for finding in findings if finding.kind in UNUSABLE}
    digests = ["" if place in useless else one.digest for place, one in enumerate(measurements)]
    exact = identical_groups(recordings, digests)
    # One of each group of identical recordings stands for the others.
    left_out = useless | {place for group in exact for place in group.places[1:]}
    fingerprints = [b"" if place in left_out else one.fingerprint for place, one in enumerate(measurements)]
    proposed = candidates(fingerprints, lambda done: on_progress("looking for likenesses", done, len(recordings)))
    tasks = [(recordings[first], [recordings[other] for other in others]) for first, others in proposed]
    compared = map_items(compare, tasks, workers, lambda done: on_progress("comparing waveforms", done, len(tasks)))
    matches: list[tuple[Pair, Match]] = [
        ((first, other), match)
        for (first, others), answers in zip(proposed, compared, strict=True)
        for other, match in zip(others, answers or [None] * len(others), strict=True)
        if match is not None
    ]
    return [*exact, *linked_groups(recordings, matches)]


def _outlines(
    recordings: Sequence[Recording],
    findings: Sequence[Finding],
    repeats: Sequence[DuplicateGroup],
    workers: int,
    on_progress: Progress,
) -> dict[int, Outline]:
    order = list(Kind)
    worst_first = sorted(findings, key=lambda finding: (order.index(finding.kind), finding.place))
    # Audio that cannot be decoded has no waveform.
    drawable = [finding.place for finding in worst_first if finding.kind not in (Kind.UNREADABLE, Kind.EMPTY)]
    repeated = [place for group in repeats for place in group.places[: 1 if group.exact else None]]
    places = sorted({*list(dict.fromkeys(drawable))[:PLOTTED], *repeated[:PLOTTED]})
    drawable_recordings = [recordings[place] for place in places]
    drawn = map_items(outline, drawable_recordings, workers, lambda done: on_progress("drawing", done, len(places)))
    return {place: one for place, one in zip(places, drawn, strict=True) if one is not None}


def summary(result: Check) -> dict:
    """The findings as plain values, without the measurements of every recording.

    Args:
        result: Result of a check.
    """
    return {
        "format": FORMAT,
        "corpora": {name: _count(result, name) for name in result.corpora},
        "unusable": result.unusable,
        "contradictions": result.contradictions,
        "leaks": result.leaks,
        "counts": {kind.value: count for kind, count in result.counts.items()},
        "findings": [
            {
                "clip": result.recordings[finding.place].title,
                "kind": finding.kind.value,
                "detail": finding.detail,
                "unusable": finding.kind in UNUSABLE,
            }
            for finding in result.findings
        ],
        "repeats": [_describe_repeats(group) for group in result.repeats],
        "set_aside": [{"file": clip.file, "reason": clip.reason} for clip in result.set_aside],
        "ignored": list(result.ignored),
        "elsewhere": list(result.elsewhere),
    }


def _count(result: Check, corpus: str) -> dict:
    seconds = [
        measurement.seconds
        for recording, measurement in zip(result.recordings, result.measurements, strict=True)
        if recording.corpus == corpus
    ]
    return {"clips": len(seconds), "hours": round(sum(seconds) / 3600, 4)}


def _describe_repeats(group: DuplicateGroup) -> dict:
    return {
        "identical": group.exact,
        "contradictory": group.contradictory,
        "leaking": group.leaking,
        "clips": [
            {
                "clip": recording.title,
                "speaker": recording.speaker,
                "emotion": recording.emotion,
                "side": recording.split,
            }
            for recording in group.recordings
        ],
        "matches": [
            {
                "clips": [group.recordings[group.places.index(place)].title for place in pair],
                "correlation": round(match.correlation, 4),
                "shift": round(match.shift, 4),
                "gain": round(match.gain, 2),
            }
            for pair, match in group.matches
        ],
    }


def write(result: Check, folder: Path) -> Path:
    """Write `check.json` and `check.html`.

    `check.json` holds the values of `summary` and, under `clips`, the measurements of every recording, one per line.

    Args:
        result: Result of a check.
        folder: Folder for both files; made if it is missing.

    Returns:
        The path of the page.

    Raises:
        UserError: If the folder cannot be written to.
    """
    from data_pipeline.quality.check_page import page

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made ({error.strerror}): choose another place with --output") from error
    with replacing(folder / "check.json") as part, part.open("w", encoding="utf-8") as file:
        file.writelines(_json_lines(result))
    with replacing(folder / "check.html") as part:
        part.write_text(page(result), encoding="utf-8")
    return folder / "check.html"


def _json_lines(result: Check) -> Iterator[str]:
    """The text of `check.json`, piece by piece, since it is large for 100,000 recordings."""
    yield json.dumps(summary(result), indent=1, ensure_ascii=False).removesuffix("\n}")
    yield ',\n "clips": ['
    separator = "\n"
    for recording, measurement in zip(result.recordings, result.measurements, strict=True):
        yield separator + "  " + json.dumps(_describe(recording, measurement), ensure_ascii=False)
        separator = ",\n"
    yield "\n ]\n}\n"


def _describe(recording: Recording, measurement: Measurement) -> dict:
    known = {
        "clip": recording.title,
        "location": recording.location,
        "start": recording.start,
        "end": recording.end,
        "speaker": recording.speaker,
        "emotion": recording.emotion,
        "side": recording.split,
    }
    if measurement.failure:
        return {**known, "failure": measurement.failure}
    return {
        **known,
        "seconds": round(measurement.seconds, 4),
        "rate": measurement.rate,
        "channels": measurement.channels,
        "format": measurement.format,
        "peak_dbfs": round(measurement.peak, 2),
        "level_dbfs": round(measurement.level, 2),
        "full_scale": round(measurement.full_scale, 6),
        "longest_clip": measurement.longest_clip,
        "offset": round(measurement.offset, 6),
        "zeros": round(measurement.zeros, 4),
        "dead_channels": measurement.dead_channels,
        "sha256": measurement.digest,
    }
