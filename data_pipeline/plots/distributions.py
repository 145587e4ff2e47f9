"""Numbers of clips by emotion, duration, speaker and sex."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from data_pipeline.pages import quantity
from data_pipeline.pages.figures import (
    INK,
    MUTED,
    NARROW,
    OUTLINE,
    PAPER,
    SHARES,
    WIDE,
    Size,
    bare,
    colour,
    colour_bar,
    new_figure,
    new_panels,
    shortened,
    styled,
    text_colour,
)
from data_pipeline.plots.clip_table import ClipTable

SEXES = ("female", "male", "unknown")

_SEX_FILLS = {"female": ("#44546A", "", "white"), "male": ("#B8C2CF", "", "black"), "unknown": (PAPER, "////", INK)}
"""Colour, hatch, and colour of the text on it."""

_BANDS = {WIDE: (50, 6), NARROW: (18, 12)}
"""Speakers of the map in a band so that their names can be read, and the maximum number of bands of a corpus: with more
speakers, columns become thin and have no names."""

_MEDIAN: dict[str, Any] = {
    "color": INK,
    "linewidth": 1.2,
    "linestyle": "--",
    "dash_capstyle": "butt",
    # Seen on black, too.
    "path_effects": [withStroke(linewidth=2.8, foreground=PAPER)],
}
"""Style of the lines at medians."""

_NEW_LINE = "\n"

_STRIP = {"train": "#E4E4E4", "validation": "#9C9C9C", "test": "#333333", "several splits": PAPER}


@styled
def class_distribution(table: ClipTable, *, size: Size) -> Figure:
    """Clips of each emotion: a panel for each corpus and split, the scale shared by the splits of a corpus."""
    corpora = [table.where(table.corpus == corpus) for corpus in table.corpora]
    heights = [0.75 + 0.24 * len(corpus.emotions) for corpus in corpora]
    figure, panels = new_panels(heights, len(table.splits), size)
    for row, corpus in zip(panels.reshape(len(corpora), -1), corpora, strict=True):
        counts = {
            split: _counts(corpus.where(corpus.split == split).emotion, corpus.emotions) for split in table.splits
        }
        most = max(map(max, counts.values()))
        for axes, (split, numbers) in zip(row, counts.items(), strict=True):
            bars = axes.barh(corpus.emotions, numbers, color=[colour(name) for name in corpus.emotions], **OUTLINE)
            axes.bar_label(bars, [f"{number:,}" for number in numbers], padding=3, fontsize=size.small)
            told = quantity(sum(numbers), "clip") if any(numbers) else "none"
            axes.set_title(f"{shortened(corpus.corpora[0], 24)}, {split}: {told}")
            axes.set_xlim(0, most * 1.22)
            axes.invert_yaxis()
            axes.xaxis.set_visible(False)
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(axis="y", length=0)
            if axes is not row[0] and size is WIDE:
                axes.set_yticklabels([])
    return figure


@styled
def durations(table: ClipTable, *, size: Size) -> Figure:
    """Histograms of the clips' lengths, two panels for each corpus: all clips, and each emotion with its median."""
    corpora = [table.where(table.corpus == corpus) for corpus in table.corpora]
    figure, panels = new_panels([max(2.0, 0.9 + 0.36 * len(corpus.emotions)) for corpus in corpora], 2, size)
    for (left, right), corpus in zip(panels.reshape(-1, 2), corpora, strict=True):
        edges = _duration_bins(corpus.seconds)
        left.hist(corpus.seconds, edges, color=MUTED, **OUTLINE)
        left.axvline(np.median(corpus.seconds), **_MEDIAN)
        left.set_title(
            f"{shortened(corpus.corpora[0], 24)}: {quantity(len(corpus), 'clip')},{' ' if size is WIDE else _NEW_LINE}"
            f"median {np.median(corpus.seconds):.2f} s, {corpus.seconds.min():.2f} to {corpus.seconds.max():.2f} s"
        )
        left.set_ylabel("clips")
        left.yaxis.set_major_locator(MaxNLocator(integer=True))
        left.grid(axis="y")
        left.set_axisbelow(True)
        _ridges(right, corpus, edges, size)
        longer = int((corpus.seconds > edges[-1]).sum())
        for axes in (left, right):
            axes.set_xlim(edges[0], edges[-1])
            axes.set_xlabel(
                f"seconds ({quantity(longer, 'clip')} longer than {edges[-1]:.3g} s not drawn)" if longer else "seconds"
            )
    return figure


def _ridges(axes: Axes, corpus: ClipTable, edges: np.ndarray, size: Size) -> None:
    groups = {emotion: corpus.seconds[corpus.emotion == emotion] for emotion in corpus.emotions}
    shapes = {emotion: np.histogram(seconds, edges)[0] for emotion, seconds in groups.items()}
    most = max(1, max(shape.max() for shape in shapes.values()))
    for line, (emotion, shape) in enumerate(shapes.items()):
        base = len(shapes) - 1 - line
        axes.stairs(base + 0.9 * shape / most, edges, baseline=base, fill=True, facecolor=colour(emotion), **OUTLINE)
        median = float(np.median(groups[emotion]))
        axes.plot([median, median], [base, base + 0.9], **_MEDIAN)
        axes.text(
            1, base + 0.42, f"{median:.2f} s", transform=axes.get_yaxis_transform(), va="center", fontsize=size.small
        )
    axes.set_yticks([len(shapes) - 1 - line + 0.3 for line in range(len(shapes))], list(shapes))
    axes.set_ylim(0, len(shapes))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title("by emotion, with medians")


def _duration_bins(seconds: np.ndarray) -> np.ndarray:
    """Edges of 40 bins; a few clips of another order of length do not flatten all the others."""
    usual = float(np.quantile(seconds, 0.99))
    highest = float(seconds.max())
    end = highest if highest <= 2.5 * usual else 1.5 * usual
    return np.linspace(0, max(end * 1.02, 0.1), 41)


@dataclass(frozen=True, slots=True)
class SexCounts:
    """Numbers of speakers and clips of each of `SEXES`.

    Attributes:
        corpus: Name of the corpus.
        split: Name of the split.
        clips: Numbers of clips in the order of `SEXES`.
        speakers: Numbers of speakers in the same order.
    """

    corpus: str
    split: str
    clips: tuple[int, ...]
    speakers: tuple[int, ...]


def count_sexes(table: ClipTable) -> list[SexCounts]:
    """Count women and men: a row for each corpus and split that has clips."""
    rows = []
    for corpus in table.corpora:
        for split in table.splits:
            part = table.where((table.corpus == corpus) & (table.split == split))
            groups = [part.where(_sexes(part) == sex) for sex in SEXES]
            if len(part):
                speakers = tuple(group.speakers for group in groups)
                rows.append(SexCounts(corpus, split, tuple(map(len, groups)), speakers))
    return rows


@styled
def sexes(table: ClipTable, *, size: Size) -> Figure:
    """Shares of women's and men's clips: a bar for each corpus and split."""
    rows = count_sexes(table)
    figure = new_figure(0.8 + 0.34 * len(rows), size)
    axes = figure.subplots()
    names = [f"{shortened(row.corpus, 24 if size is WIDE else 10)}, {row.split}" for row in rows]
    left = np.zeros(len(rows))
    for index, sex in enumerate(SEXES):
        counts = np.array([row.clips[index] for row in rows])
        shares = counts / np.array([sum(row.clips) for row in rows])
        fill, hatch, ink = _SEX_FILLS[sex]
        if not counts.any():
            continue
        bars = axes.barh(names, shares, left=left, color=fill, hatch=hatch, label=sex, **OUTLINE)
        labels = [f"{share:.0%}" if share >= 0.04 else "" for share in shares]
        for text in axes.bar_label(bars, labels, label_type="center", fontsize=size.small):
            text.set_color(ink)
            text.set_bbox({"facecolor": fill, "edgecolor": "none", "pad": 1.5})
        left += shares
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    bare(axes)
    figure.legend(loc="outside upper left", ncols=len(SEXES))
    return figure


@styled
def speaker_emotions(table: ClipTable, *, size: Size) -> Figure:
    """A map of the clips of each speaker in each emotion, with the speaker's split.

    Every corpus starts a new band. Clips of unknown speakers are left out.

    Args:
        table: Clips of one known speaker or more.
        size: The room that there is.
    """
    known = table.where(table.speaker_known)
    corpora = [_speaker_counts(known.where(known.corpus == corpus)) for corpus in known.corpora]
    most_speakers = max(len(corpus.speakers) for corpus in corpora)
    readable, most_bands = _BANDS[size]
    bands = min(math.ceil(most_speakers / readable), most_bands)
    width = max(math.ceil(most_speakers / bands), 12)
    parts = [part for corpus in corpora for part in corpus.bands(width)]
    heights = [0.95 + 0.2 * len(part.emotions) for part in parts]
    figure = new_figure(sum(heights) + (0.3 if size is WIDE else 0.9), size)
    highest = max(int(part.counts.max()) for part in parts)
    panels = figure.subplots(len(parts), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, part in zip(panels, parts, strict=True):
        _draw_band(axes, part, width, highest, size, named=width <= readable)
    ticks = MaxNLocator(integer=True, min_n_ticks=1)
    shrink = min(1.0, 2.5 / sum(heights)) if size is WIDE else 1.0
    colour_bar(figure, axes.images[0], panels, "clips", size, ticks=ticks, shrink=shrink)
    strips = [Patch(facecolor=fill, label=split, **OUTLINE) for split, fill in _STRIP.items()]
    present = {split for part in parts for split in part.splits}
    figure.legend(
        handles=[strip for strip in strips if strip.get_label() in present],
        loc="outside upper left",
        ncols=len(strips),
    )
    return figure


@dataclass(frozen=True, slots=True, eq=False)
class _SpeakerCounts:
    """Numbers of clips by emotion and speaker.

    Attributes:
        title: Title of the map.
        emotions: Names of the rows.
        speakers: Names of the columns.
        splits: Each speaker's split.
        counts: int [emotions, speakers].
    """

    title: str
    emotions: tuple[str, ...]
    speakers: tuple[str, ...]
    splits: tuple[str, ...]
    counts: np.ndarray

    def bands(self, width: int) -> list["_SpeakerCounts"]:
        """Cut it into pieces of at most so many speakers."""
        return [
            _SpeakerCounts(
                self.title if start == 0 else "",
                self.emotions,
                self.speakers[start : start + width],
                self.splits[start : start + width],
                self.counts[:, start : start + width],
            )
            for start in range(0, len(self.speakers), width)
        ]


def _speaker_counts(corpus: ClipTable) -> _SpeakerCounts:
    emotions, splits = corpus.emotions, list(_STRIP)
    speakers, column = np.unique(corpus.speaker, return_inverse=True)
    counts = np.zeros((len(emotions), len(speakers)), int)
    np.add.at(counts, (_indices(corpus.emotion, emotions), column), 1)
    is_in = np.zeros((len(splits), len(speakers)), bool)
    is_in[_indices(corpus.split, splits), column] = True
    split = np.where(is_in.sum(axis=0) > 1, splits.index("several splits"), is_in.argmax(axis=0))
    order = np.lexsort((np.arange(len(speakers)), split))
    return _SpeakerCounts(
        f"{shortened(corpus.corpora[0], 24)}: {quantity(len(speakers), 'speaker')}",
        emotions,
        tuple(map(str, speakers[order])),
        tuple(splits[index] for index in split[order]),
        counts[:, order],
    )


def _indices(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[value] for value in values])


def _draw_band(axes: Axes, part: _SpeakerCounts, width: int, highest: int, size: Size, named: bool) -> None:
    rows, columns = part.counts.shape
    smallest = size.small if size is not WIDE else 7.5
    axes.imshow(part.counts, cmap=SHARES, vmin=0, vmax=highest, aspect="auto")
    for split in dict.fromkeys(part.splits):
        start, length = part.splits.index(split), part.splits.count(split)
        axes.add_patch(Rectangle((start - 0.5, -1.2), length, 0.5, facecolor=_STRIP[split], **OUTLINE))
    if width <= 40 and highest < 1_000 and named:
        for row, column in np.ndindex(rows, columns):
            count = int(part.counts[row, column])
            shade = text_colour(count / highest)
            text = axes.text(column, row, str(count), ha="center", va="center", fontsize=smallest, color=shade)
            # Hundreds of texts inside the axes would be measured again and again for the figure's layout.
            text.set_in_layout(False)
    labels = [shortened(speaker, 12) for speaker in part.speakers] if named else []
    axes.set_xticks(range(columns) if named else [], labels, rotation=90, fontsize=smallest)
    axes.set_yticks(range(rows), part.emotions)
    if columns < 200:
        axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
        axes.grid(which="minor", color=PAPER, linewidth=0.8)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(rows - 0.5, -1.25)
    axes.set_title(part.title)
    bare(axes)
    axes.tick_params(which="minor", length=0)


def _sexes(table: ClipTable) -> np.ndarray:
    return np.where(np.isin(table.sex, SEXES), table.sex, "unknown")


def _counts(values: np.ndarray, of: Sequence[str]) -> list[int]:
    return [int((values == value).sum()) for value in of]
