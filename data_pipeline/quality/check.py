"""The check of corpora before they are prepared: measure every recording, judge it, and look for repeated audio."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data_pipeline.audio.track import Track
from data_pipeline.errors import SetAside
from data_pipeline.quality.corpus_findings import CorpusFinding, judge_corpora
from data_pipeline.quality.duplicates import DuplicateGroup, Match, Pair, identical_groups, linked_groups
from data_pipeline.quality.findings import UNUSABLE, Finding, Kind, judge
from data_pipeline.quality.measure import Measurement, measure
from data_pipeline.quality.near_duplicates import candidates, match_candidates
from data_pipeline.quality.outline import Outline, outline
from data_pipeline.quality.recording import DEADLY, Recording
from data_pipeline.quality.sources import FoundRecordings, find_recordings
from data_pipeline.workers.pool import map_items
from data_pipeline.workers.process import worker_count

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
        corpus_findings: What is wrong with whole corpora.
        repeats: Audio that is there more than once: identical, then nearly identical.
        outlines: Waveforms of some recordings with findings, by place.
        set_aside: Clips that cannot be used as their corpus describes them.
        ignored: Audio files among the clips whose names do not belong to their corpus.
        elsewhere: Audio files in other folders of a place with a corpus; they may belong to another one, and were not
            checked.
        others: Files that are not audio by their suffixes.
    """

    recordings: tuple[Recording, ...]
    measurements: tuple[Measurement, ...]
    findings: tuple[Finding, ...]
    corpus_findings: tuple[CorpusFinding, ...]
    repeats: tuple[DuplicateGroup, ...]
    outlines: dict[int, Outline]
    set_aside: tuple[SetAside, ...]
    ignored: tuple[str, ...]
    elsewhere: tuple[str, ...]
    others: tuple[str, ...]

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


def check(
    sources: Sequence[str],
    workers: int | None = None,
    on_progress: Progress = lambda *_: None,
    track: Track | None = None,
) -> Check:
    """Measure every recording, judge it, and look for audio that is there more than once.

    The result depends on the files only, not on the number of workers.

    Args:
        sources: See `quality.sources.find_recordings`.
        workers: Number of processes; by default one for each processor that this process may use.
        on_progress: Called on this thread.
        track: Channel of recordings for which no manifest names one; None to take channels that are the same.

    Raises:
        UserError: If a source is unusable, or processes cannot be started.
    """
    workers = worker_count(workers)
    found = find_recordings(sources, track)
    measurements = _measure(found.recordings, workers, on_progress)
    findings = judge(found.recordings, measurements)
    repeats = _find_repeats(found.recordings, measurements, findings, workers, on_progress)
    outlines = _outlines(found.recordings, findings, repeats, workers, on_progress)
    return _assemble(found, measurements, findings, repeats, outlines)


def _assemble(
    found: FoundRecordings,
    measurements: Sequence[Measurement],
    findings: Sequence[Finding],
    repeats: Sequence[DuplicateGroup],
    outlines: dict[int, Outline],
) -> Check:
    return Check(
        recordings=found.recordings,
        measurements=tuple(measurements),
        findings=tuple(findings),
        corpus_findings=tuple(judge_corpora(found.recordings, measurements)),
        repeats=tuple(repeats),
        outlines=outlines,
        set_aside=found.set_aside,
        ignored=found.ignored,
        elsewhere=found.elsewhere,
        others=found.others,
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
    proposed = candidates(fingerprints, lambda done: on_progress("comparing fingerprints", done, len(recordings)))
    tasks = [(recordings[first], [recordings[other] for other in others]) for first, others in proposed]
    compared = map_items(
        match_candidates, tasks, workers, lambda done: on_progress("comparing waveforms", done, len(tasks))
    )
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
