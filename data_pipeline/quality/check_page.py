"""`check.html`: what a check found, on one page without anything from elsewhere."""

import html
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from data_pipeline.emotion import PALETTE, Emotion
from data_pipeline.quality.check import PLOTTED, Check
from data_pipeline.quality.duplicates import DuplicateGroup, Match, Pair
from data_pipeline.quality.findings import UNUSABLE, Finding, Kind
from data_pipeline.quality.measure import Measurement
from data_pipeline.quality.outline import COLUMNS, Outline
from data_pipeline.quality.recording import Recording

_ROWS = 1_000
"""Findings and groups that the page shows; the rest is in `check.json`."""

_BINS = 40

_MEANING = {
    Kind.UNREADABLE: "cannot be decoded; prepare sets it aside",
    Kind.EMPTY: "no samples; prepare sets it aside",
    Kind.SILENT: "nothing above dither; prepare sets it aside",
    Kind.TOO_SHORT: "less than a syllable; prepare sets it aside",
    Kind.TOO_LONG: "a recording still to be cut; prepare sets it aside",
    Kind.CLIPPED: "samples at full scale: distorted by the recording",
    Kind.LEVEL: "far louder or quieter than the rest of its corpus, or hardly audible",
    Kind.OFFSET: "the mean of the samples is not zero",
    Kind.GAPS: "much of it is digital silence",
    Kind.DEAD_CHANNEL: "one channel is silent: the mean of the channels halves the voice",
    Kind.RATE: "another sampling rate than the rest of its corpus",
    Kind.CHANNELS: "another number of channels than the rest of its corpus",
    Kind.SHORT: "shorter than a word said slowly",
    Kind.LONG: "hardly one utterance",
}

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; width: 100%; }
td, th { padding: 0.25rem 0.8rem 0.25rem 0; border-bottom: 1px solid #ddd; text-align: left; vertical-align: middle; }
td.number, th.number { text-align: right; }
table.sortable th { cursor: pointer; }
table.sortable th:hover { text-decoration: underline; }
code { font-size: 0.92em; overflow-wrap: anywhere; }
.tiles { display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1rem 0; }
.tile { border: 1px solid #ddd; border-radius: 6px; padding: 0.5rem 1rem; min-width: 7rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.3; font-weight: 600; }
.tile.bad { border-color: #D55E00; } .tile.bad b { color: #B04A00; }
.plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
figure { margin: 0; } figcaption { font-size: 0.85rem; color: #555; }
.emotion { white-space: nowrap; } .emotion i { display: inline-block; width: 0.75em; height: 0.75em;
  border-radius: 50%; margin-right: 0.35em; border: 1px solid #0003; }
.bad-word { color: #B04A00; font-weight: 600; }
.notice { background: #fff4d6; border-left: 4px solid #E69F00; padding: 0.5rem 1rem; }
.group { border: 1px solid #ddd; border-radius: 6px; padding: 0.6rem 1rem; margin: 0.7rem 0; }
.group table { margin: 0.3rem 0 0; table-layout: fixed; } .group td:first-child { width: 34%; }
.group td:last-child { width: 250px; } .group tr:last-child td { border-bottom: 0; }
svg { vertical-align: middle; }
"""

_SCRIPT = """
for (const heading of document.querySelectorAll('table.sortable th')) heading.onclick = () => {
  const table = heading.closest('table'), column = heading.cellIndex;
  const rows = [...table.tBodies[0].rows], sign = heading.dataset.sign = heading.dataset.sign == 1 ? -1 : 1;
  rows.sort((a, b) => sign * a.cells[column].innerText.localeCompare(b.cells[column].innerText, 'en', {numeric: true}));
  table.tBodies[0].append(...rows);
};
"""


def page(result: Check) -> str:
    """The page as text.

    Args:
        result: Of a check.
    """
    title = f"Quality of {', '.join(result.corpora)}"
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        _tiles(result),
        _kinds(result),
        *_repeats(result),
        *_findings(result),
        *_described_badly(result),
        *(_corpus(result, name) for name in result.corpora),
    ]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>{''.join(parts)}<script>{_SCRIPT}</script></html>\n"
    )


def _tiles(result: Check) -> str:
    hours = sum(measurement.seconds for measurement in result.measurements) / 3600
    doubtful = {finding.place for finding in result.findings if finding.kind not in UNUSABLE}
    exact = sum(group.exact for group in result.repeats)
    tiles = [
        (f"{len(result.recordings):,}", "clips", False),
        (f"{hours:.2f} h" if hours >= 0.1 else f"{hours * 60:.1f} min", "of audio", False),
        (f"{result.unusable:,}", "unusable", result.unusable > 0),
        (f"{len(doubtful):,}", "doubtful", False),
        (f"{exact:,}", "groups of identical audio", False),
        (f"{len(result.repeats) - exact:,}", "groups of nearly identical audio", False),
        (f"{result.contradictions:,}", "with contradicting labels", result.contradictions > 0),
        (f"{result.leaks:,}", "across the sides of the split", result.leaks > 0),
    ]
    return (
        "<div class=tiles>"
        + "".join(f"<div class='tile{' bad' * bad}'><b>{figure}</b>{words}</div>" for figure, words, bad in tiles)
        + "</div>"
    )


def _kinds(result: Check) -> str:
    if not result.counts:
        return "<p>Nothing is wrong with any clip by itself.</p>"
    names = result.corpora
    counts = Counter((finding.kind, result.recordings[finding.place].corpus) for finding in result.findings)
    rows = "".join(
        f"<tr><td>{_kind(kind)}<td>{html.escape(_MEANING[kind])}"
        + "".join(f"<td class=number>{counts[kind, name] or '–'}" for name in names)
        for kind in result.counts
    )
    headings = "".join(f"<th class=number>{html.escape(name)}" for name in names)
    return f"<h2>What was found</h2><table><tr><th>finding<th>meaning{headings}{rows}</table>"


def _kind(kind: Kind) -> str:
    return f"<span class=bad-word>{kind.value}</span>" if kind in UNUSABLE else kind.value


def _findings(result: Check) -> list[str]:
    if not result.findings:
        return []
    order = list(Kind)
    findings = sorted(result.findings, key=lambda finding: (order.index(finding.kind), finding.place))
    notes = []
    if len(findings) > _ROWS:
        notes.append(f"The first {_ROWS:,} of {len(findings):,}; all are in <code>check.json</code>.")
    undrawn = {
        finding.place
        for finding in findings
        if finding.kind not in (Kind.UNREADABLE, Kind.EMPTY) and finding.place not in result.outlines
    }
    if undrawn:
        notes.append(f"Waveforms are drawn of {PLOTTED} clips; {len(undrawn):,} more are not.")
    notes.append("A click on a heading sorts.")
    rows = "".join(_finding(result, finding) for finding in findings[:_ROWS])
    return [
        f"<h2>Clips that something is wrong with</h2><p>{' '.join(notes)}</p>",
        "<table class=sortable><thead><tr><th>clip<th>label<th>finding<th>detail<th>waveform</thead><tbody>",
        f"{rows}</tbody></table>",
    ]


def _finding(result: Check, finding: Finding) -> str:
    recording = result.recordings[finding.place]
    return (
        f"<tr><td><code>{html.escape(recording.title)}</code><td>{_label(recording)}<td>{_kind(finding.kind)}"
        f"<td>{html.escape(finding.detail)}<td>{_waveform(result.outlines.get(finding.place))}"
    )


def _repeats(result: Check) -> list[str]:
    if not result.repeats:
        return ["<h2>Audio that is there more than once</h2><p>None.</p>"]
    # What must be put right comes first; the order is stable otherwise.
    groups = sorted(result.repeats, key=lambda group: (not group.contradictory, not group.leaking, not group.exact))
    parts = ["<h2>Audio that is there more than once</h2>"]
    if len(groups) > _ROWS:
        parts.append(f"<p>The first {_ROWS:,} of {len(groups):,} groups; all are in <code>check.json</code>.</p>")
    return parts + [_group(result, group) for group in groups[:_ROWS]]


def _group(result: Check, group: DuplicateGroup) -> str:
    words = ["identical" if group.exact else "nearly identical"]
    if group.contradictory:
        words.append("<span class=bad-word>contradicting labels</span>")
    if len(group.speakers) > 1:
        words.append(f"<span class=bad-word>said to be of {len(group.speakers)} speakers</span>")
    if group.leaking:
        words.append(f"<span class=bad-word>on the sides {' and '.join(sorted(group.splits))}</span>")
    names = dict(zip(group.places, group.recordings, strict=True))
    rows = "".join(
        f"<tr><td><code>{html.escape(recording.title)}</code><td>{_label(recording)}"
        f"<td>{html.escape(recording.speaker)}<td>{recording.split or ''}<td>{_waveform(result.outlines.get(place))}"
        for place, recording in names.items()
    )
    matches = "".join(
        f"<div>{_match(names[first].name, names[second].name, match)}</div>"
        for (first, second), match in _best_of_each(group)
    )
    return f"<div class=group>{', '.join(words)}<table>{rows}</table>{matches}</div>"


def _best_of_each(group: DuplicateGroup) -> list[tuple[Pair, Match]]:
    """Of each recording the match with an earlier one that is the surest: what a reader needs of many pairs."""
    best: dict[int, tuple[Pair, Match]] = {}
    for pair, match in group.matches:
        if pair[1] not in best or match.correlation > best[pair[1]][1].correlation:
            best[pair[1]] = pair, match
    return list(best.values())


def _match(first: str, second: str, match: Match) -> str:
    milliseconds, gain = round(match.shift * 1000), round(match.gain, 1)
    begins = "with" if milliseconds == 0 else f"{abs(milliseconds)} ms {'into' if milliseconds > 0 else 'before'}"
    loudness = "as loud" if gain == 0 else f"{abs(gain)} dB {'louder' if gain > 0 else 'quieter'}"
    return (
        f"<code>{html.escape(second)}</code> begins {begins} <code>{html.escape(first)}</code> and is {loudness}; "
        f"correlation {match.correlation:.3f}"
    )


def _label(recording: Recording) -> str:
    return _emotion(recording.emotion) if recording.emotion else ""


def _emotion(emotion: Emotion) -> str:
    return f"<span class=emotion><i style='background:{PALETTE[emotion]}'></i>{emotion.value}</span>"


def _described_badly(result: Check) -> list[str]:
    parts = []
    if result.set_aside:
        lines = "".join(f"<li>{html.escape(str(clip))}" for clip in result.set_aside[:_ROWS])
        parts.append(f"<h2>Clips that are described badly: {len(result.set_aside):,}</h2><ul>{lines}</ul>")
    if result.ignored:
        lines = "".join(f"<li><code>{html.escape(file)}</code>" for file in result.ignored[:_ROWS])
        parts.append(f"<h2>Audio files with other names, not checked: {len(result.ignored):,}</h2><ul>{lines}</ul>")
    if result.elsewhere:
        lines = "".join(f"<li><code>{html.escape(file)}</code>" for file in result.elsewhere[:_ROWS])
        parts.append(
            f"<h2>Audio files beside the corpus, not checked: {len(result.elsewhere):,}</h2><p>Where a folder holds "
            f"several corpora, name each with its own: <code>NAME=PLACE</code>.</p><ul>{lines}</ul>"
        )
    return parts


def _corpus(result: Check, name: str) -> str:
    decoded = [
        measurement
        for recording, measurement in zip(result.recordings, result.measurements, strict=True)
        if recording.corpus == name and not measurement.failure
    ]
    heading = f"<h2>{html.escape(name)}: {len(decoded):,} clips decoded</h2>"
    if not decoded:
        return heading
    audible = [measurement for measurement in decoded if not measurement.unusable_reason]
    plots = [
        _histogram([measurement.seconds for measurement in decoded], "duration in s"),
        _histogram([measurement.level for measurement in audible], "level of the speech in dBFS"),
        _histogram([measurement.peak for measurement in audible], "peak in dBFS"),
    ]
    tables = [
        _table("sampling rate", decoded, lambda one: f"{one.rate:,} Hz"),
        _table("channels", decoded, lambda one: str(one.channels)),
        _table("format", decoded, lambda one: one.format),
    ]
    return f"{heading}<div class=plots>{''.join(plots)}</div><div class=plots>{''.join(tables)}</div>"


def _table(heading: str, measurements: Iterable[Measurement], key: Callable[[Measurement], str]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(value)}<td class=number>{count:,}"
        for value, count in Counter(map(key, measurements)).most_common()
    )
    return f"<div><table><tr><th>{heading}<th class=number>clips{rows}</table></div>"


def _histogram(values: Sequence[float], caption: str) -> str:
    """Counts of values as bars, with the least, the median and the largest value named."""
    if not values:
        return ""
    counts, edges = np.histogram(values, bins=_BINS)
    tallest = max(1, int(counts.max()))
    width, height = 8, 90
    bars = "".join(
        f"<rect x={place * width} y={height - size:.1f} width={width - 1} height={size:.1f}>"
        f"<title>{edges[place]:.2f} to {edges[place + 1]:.2f}: {count:,}</title></rect>"
        for place, count in enumerate(counts)
        # A bin with a single clip among thousands is what one looks for, so that it stays visible.
        if (size := max(1.5, height * count / tallest) if count else 0)
    )
    total = width * _BINS
    return (
        f"<figure><svg width={total} height={height + 20} role=img aria-label='{caption}'>"
        f"<g fill=#0072B2>{bars}</g><line x1=0 x2={total} y1={height} y2={height} stroke=#999 />"
        f"<g font-size=11 fill=#555><text x=0 y={height + 14}>{min(values):.1f}</text>"
        f"<text x={total / 2} y={height + 14} text-anchor=middle>median {float(np.median(values)):.1f}</text>"
        f"<text x={total} y={height + 14} text-anchor=end>{max(values):.1f}</text></g></svg>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _waveform(outline: Outline | None) -> str:
    """A small plot: the outline of the samples between two lines at full scale."""
    if outline is None:
        return ""
    height = 40
    middle, reach = height / 2, height / 2 - 3

    def level(value: float) -> str:
        return f"{middle - reach * max(-1.0, min(1.0, value)):.1f}"

    step = COLUMNS / len(outline.highest)
    upper = " ".join(f"{place * step:.0f},{level(value)}" for place, value in enumerate(outline.highest))
    lower = " ".join(f"{place * step:.0f},{level(value)}" for place, value in reversed([*enumerate(outline.lowest)]))
    return (
        f"<svg width={COLUMNS} height={height} role=img aria-label='waveform of {outline.seconds:.2f} s'>"
        f"<g stroke=#ccc><line x1=0 x2={COLUMNS} y1={level(1)} y2={level(1)} />"
        f"<line x1=0 x2={COLUMNS} y1={level(-1)} y2={level(-1)} /></g>"
        f"<polygon points='{upper} {lower}' fill=#0072B2 stroke=#0072B2 stroke-width=0.5 />"
        f"<title>{outline.seconds:.2f} s</title></svg>"
    )
