"""`check.html`: what a check found."""

from collections import Counter
from collections.abc import Callable, Iterable

from data_pipeline.pages import (
    Fact,
    Facts,
    Group,
    Histogram,
    Label,
    Page,
    Piece,
    Section,
    Table,
    Text,
    Waveform,
    Word,
    quantity,
    render,
)
from data_pipeline.quality.check import PLOTTED, Check
from data_pipeline.quality.duplicates import DuplicateGroup, Match, Pair
from data_pipeline.quality.findings import UNUSABLE, Kind
from data_pipeline.quality.measure import Measurement
from data_pipeline.quality.recording import Recording

_ROWS = 1_000
"""Findings and groups that the page shows; the rest is in `check.json`."""

_MEANING = {
    Kind.UNREADABLE: "cannot be decoded; prepare sets it aside",
    Kind.EMPTY: "no samples; prepare sets it aside",
    Kind.SILENT: "nothing above dither; prepare sets it aside",
    Kind.TOO_SHORT: "less than a syllable; prepare sets it aside",
    Kind.TOO_LONG: "a recording that is not cut into utterances; prepare sets it aside",
    Kind.NO_SPEECH: "noise, tones, music or silence; prepare sets it aside",
    Kind.PARTIES: "channels that differ, such as the parties of a call; prepare sets it aside unless a track is chosen",
    Kind.CUT_OFF: "the file ends before its header says; what is there is used",
    Kind.CLIPPED: "samples at full scale: distorted by the recording",
    Kind.LEVEL: "far louder or quieter than the rest of its corpus, or hardly audible",
    Kind.OFFSET: "the mean of the samples is not zero",
    Kind.GAPS: "much of it is digital silence",
    Kind.DEAD_CHANNEL: "one channel is silent although another was recorded",
    Kind.RATE: "another sampling rate than the rest of its corpus",
    Kind.CHANNELS: "another number of channels than the rest of its corpus",
    Kind.SHORT: "shorter than a word that is spoken slowly",
    Kind.LONG: "too long for a single utterance",
}


def check_page(result: Check) -> str:
    """The page's HTML.

    Args:
        result: What the check found.
    """
    sections = [
        *_corpora(result),
        _kinds(result),
        _repeats(result),
        *_findings(result),
        *_set_aside(result),
        *(_corpus(result, name) for name in result.corpora),
    ]
    return render(Page(f"Quality of {', '.join(result.corpora)}", introduction=[_summary(result)], sections=sections))


def _summary(result: Check) -> Facts:
    hours = sum(measurement.seconds for measurement in result.measurements) / 3600
    doubtful = {finding.place for finding in result.findings if finding.kind not in UNUSABLE}
    exact = sum(group.exact for group in result.repeats)
    return Facts(
        (
            Fact("clips", f"{len(result.recordings):,}"),
            Fact("audio", f"{hours:.2f} h" if hours >= 0.1 else f"{hours * 60:.1f} min"),
            Fact("unusable clips", f"{result.unusable:,}", bad=result.unusable > 0),
            Fact("doubtful clips", f"{len(doubtful):,}"),
            Fact("groups of identical audio", f"{exact:,}"),
            Fact("groups of nearly identical audio", f"{len(result.repeats) - exact:,}"),
            Fact("groups with contradicting labels", f"{result.contradictions:,}", bad=result.contradictions > 0),
            Fact("groups in several splits", f"{result.leaks:,}", bad=result.leaks > 0),
        )
    )


def _corpora(result: Check) -> list[Section]:
    if not result.corpus_findings:
        return []
    title = "Findings about whole corpora"
    rows = [(finding.corpus, Word(finding.kind, "bad"), finding.detail) for finding in result.corpus_findings]
    return [Section(title, (Table(title, ("corpus", "finding", "detail"), rows, stacked=True),))]


def _kinds(result: Check) -> Section:
    title = "Findings by kind"
    if not result.counts:
        return Section(title, ("Nothing is wrong with any single clip.",))
    names = result.corpora
    counts = Counter((finding.kind, result.recordings[finding.place].corpus) for finding in result.findings)
    rows = [
        (_kind(kind), _MEANING[kind], *(f"{counts[kind, name]:,}" if counts[kind, name] else "–" for name in names))
        for kind in result.counts
    ]
    return Section(title, (Table(title, ("finding", "meaning", *names), rows),))


def _kind(kind: Kind) -> Piece:
    return Word(kind.value, "bad") if kind in UNUSABLE else kind.value


def _findings(result: Check) -> list[Section]:
    if not result.findings:
        return []
    order = list(Kind)
    findings = sorted(result.findings, key=lambda finding: (order.index(finding.kind), finding.place))
    notes = [_only_the_first("findings", len(findings))]
    undrawn = {
        finding.place
        for finding in findings
        if finding.kind not in (Kind.UNREADABLE, Kind.EMPTY) and finding.place not in result.outlines
    }
    if undrawn:
        notes.append(f"Waveforms are drawn of {PLOTTED} clips; {len(undrawn):,} more are not.")
    notes.append("A heading sorts the table.")
    rows = [
        (*_clip(result.recordings[place]), _kind(finding.kind), finding.detail, _waveform(result, place))
        for finding in findings[:_ROWS]
        for place in [finding.place]
    ]
    title, header = "Clips with findings", ("clip", "label", "finding", "detail", "waveform")
    table = Table(title, header, rows, stacked=True, sortable=True)
    return [Section(title, (" ".join(filter(None, notes)), table))]


def _only_the_first(what: str, count: int) -> str:
    return f"The first {_ROWS:,} of {count:,} {what}; all are in check.json." if count > _ROWS else ""


def _repeats(result: Check) -> Section:
    title = "Repeated audio"
    if not result.repeats:
        return Section(title, ("No audio occurs more than once.",))
    # What must be put right comes first; the order is stable otherwise.
    groups = sorted(result.repeats, key=lambda group: (not group.contradictory, not group.leaking, not group.exact))
    return Section(
        title, (_only_the_first("groups", len(groups)), *(_group(result, group) for group in groups[:_ROWS]))
    )


def _group(result: Check, group: DuplicateGroup) -> Group:
    kind = "identical" if group.exact else "nearly identical"
    troubles = ["contradicting labels"] * group.contradictory
    if len(group.speakers) > 1:
        troubles.append(f"labelled with {len(group.speakers)} speakers")
    if group.leaking:
        troubles.append(f"in the splits {' and '.join(sorted(group.splits))}")
    words = tuple(piece for trouble in troubles for piece in (", ", Word(trouble, "bad")))
    names = dict(zip(group.places, group.recordings, strict=True))
    rows = [
        (*_clip(recording), recording.speaker, recording.split or "", _waveform(result, place))
        for place, recording in names.items()
    ]
    table = Table("Repeated audio", ("clip", "label", "speaker", "split", "waveform"), rows, stacked=True)
    matches = [
        Text(_match(names[first].name, names[second].name, match), "quiet")
        for (first, second), match in _best_of_each(group)
    ]
    return Group([Text((kind, *words)), table, *matches], "card")


def _best_of_each(group: DuplicateGroup) -> list[tuple[Pair, Match]]:
    """For each recording its surest match with an earlier one: what a reader needs of many pairs."""
    best: dict[int, tuple[Pair, Match]] = {}
    for pair, match in group.matches:
        if pair[1] not in best or match.correlation > best[pair[1]][1].correlation:
            best[pair[1]] = pair, match
    return list(best.values())


def _match(first: str, second: str, match: Match) -> Piece:
    milliseconds, gain = round(match.shift * 1000), round(match.gain, 1)
    begins = "with" if milliseconds == 0 else f"{abs(milliseconds)} ms {'into' if milliseconds > 0 else 'before'}"
    loudness = "as loud" if gain == 0 else f"{abs(gain)} dB {'louder' if gain > 0 else 'quieter'}"
    end = f" and is {loudness}; correlation {match.correlation:.3f}"
    return Word(second, "code"), f" begins {begins} ", Word(first, "code"), end


def _clip(recording: Recording) -> tuple[Piece, Piece]:
    return Word(recording.title, "code"), Label(recording.emotion) if recording.emotion else ""


def _waveform(result: Check, place: int) -> Piece:
    outline = result.outlines.get(place)
    return Waveform(outline.seconds, outline.lowest, outline.highest) if outline else ""


def _set_aside(result: Check) -> list[Section]:
    elsewhere = "Where a folder holds several corpora, name each with its own folder: NAME=PLACE."
    lists: list[tuple[str, list[Piece], str]] = [
        ("Clips with unusable descriptions", [str(clip) for clip in result.set_aside], ""),
        ("Audio files with other names, not checked", [Word(file, "code") for file in result.ignored], ""),
        ("Audio files beside the corpus, not checked", [Word(file, "code") for file in result.elsewhere], elsewhere),
    ]
    return [
        Section(f"{title}: {len(items):,}", (text, Group(items[:_ROWS], "list")), link=title)
        for title, items, text in lists
        if items
    ]


def _corpus(result: Check, name: str) -> Section:
    decoded = [
        measurement
        for recording, measurement in zip(result.recordings, result.measurements, strict=True)
        if recording.corpus == name and not measurement.failure
    ]
    title = f"{name}: {quantity(len(decoded), 'clip')} decoded"
    if not decoded:
        return Section(title, ())
    audible = [measurement for measurement in decoded if not measurement.unusable_reason]
    histograms = [Histogram("duration in s", [measurement.seconds for measurement in decoded])]
    if audible:
        histograms += [
            Histogram("level of the speech in dBFS", [measurement.level for measurement in audible]),
            Histogram("peak in dBFS", [measurement.peak for measurement in audible]),
        ]
    tables = [
        _table("sampling rate", decoded, lambda one: f"{one.rate:,} Hz"),
        _table("channels", decoded, lambda one: str(one.channels)),
        _table("format", decoded, lambda one: one.format),
    ]
    return Section(title, (Group(histograms, "grid"), Group(tables, "row")), link=name)


def _table(heading: str, measurements: Iterable[Measurement], key: Callable[[Measurement], str]) -> Table:
    counts = Counter(map(key, measurements)).most_common()
    return Table(heading, (heading, "clips"), [(value, f"{count:,}") for value, count in counts])
