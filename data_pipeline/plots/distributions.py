"""How many clips of what, how long, by whom."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from data_pipeline.pages.style import (
    INK,
    MUTED,
    OUTLINE,
    SHARES,
    WIDTH,
    bare,
    colour,
    new_figure,
    shortened,
    styled,
    text_colour,
)
from data_pipeline.plots.clip_table import ClipTable

SEXES = ("female", "male", "unknown")

_SEX_FILLS = {"female": ("#44546A", ""), "male": ("#B8C2CF", ""), "unknown": ("#FFFFFF", "////")}

_SPEAKERS_A_BAND = 50
"""Columns of the speaker map before it goes on in a further band: their names can still be read."""

_BANDS = 6
"""Of one corpus at most; with more speakers, columns become thin and nameless."""

_MEDIAN: dict[str, Any] = {
    "color": INK,
    "linewidth": 1.2,
    "linestyle": "--",
    "dash_capstyle": "butt",
    # Seen on black, too.
    "path_effects": [withStroke(linewidth=2.8, foreground="white")],
}
"""Of the lines at medians."""

_STRIP = {"train": "#E4E4E4", "validation": "#9C9C9C", "test": "#333333", "several sides": "#FFFFFF"}


@styled
def class_distribution(table: ClipTable) -> Figure:
    """Clips of each emotion: a row of panels a corpus, a panel a side, the scale shared along a row."""
    corpora = [table.where(table.corpus == corpus) for corpus in table.corpora]
    heights = [0.75 + 0.24 * len(corpus.emotions) for corpus in corpora]
    figure = new_figure(sum(heights))
    grid = figure.subplots(len(corpora), len(table.sides), squeeze=False, gridspec_kw={"height_ratios": heights})
    for row, corpus in zip(grid, corpora, strict=True):
        counts = {side: _counts(corpus.where(corpus.side == side).emotion, corpus.emotions) for side in table.sides}
        most = max(map(max, counts.values()))
        for axes, (side, numbers) in zip(row, counts.items(), strict=True):
            bars = axes.barh(corpus.emotions, numbers, color=[colour(name) for name in corpus.emotions], **OUTLINE)
            axes.bar_label(bars, [f"{number:,}" for number in numbers], padding=3, fontsize=8.5)
            axes.set_title(
                f"{shortened(corpus.corpora[0])}, {side}: {_clips(sum(numbers)) if any(numbers) else 'none'}"
            )
            axes.set_xlim(0, most * 1.22)
            axes.invert_yaxis()
            axes.xaxis.set_visible(False)
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(axis="y", length=0)
            if axes is not row[0]:
                axes.set_yticklabels([])
    return figure


@styled
def durations(table: ClipTable) -> Figure:
    """Histograms of the clips' lengths, a row a corpus: all of them, and emotion by emotion with the median."""
    corpora = [table.where(table.corpus == corpus) for corpus in table.corpora]
    heights = [max(2.0, 0.9 + 0.36 * len(corpus.emotions)) for corpus in corpora]
    figure = new_figure(sum(heights))
    grid = figure.subplots(len(corpora), 2, squeeze=False, gridspec_kw={"height_ratios": heights})
    for (left, right), corpus in zip(grid, corpora, strict=True):
        edges = _duration_bins(corpus.seconds)
        left.hist(corpus.seconds, edges, color=MUTED, **OUTLINE)
        left.axvline(np.median(corpus.seconds), **_MEDIAN)
        left.set_title(
            f"{shortened(corpus.corpora[0])}: {_clips(len(corpus))}, median {np.median(corpus.seconds):.2f} s, "
            f"{corpus.seconds.min():.2f} to {corpus.seconds.max():.2f} s"
        )
        left.set_ylabel("clips")
        left.yaxis.set_major_locator(MaxNLocator(integer=True))
        left.grid(axis="y")
        left.set_axisbelow(True)
        _ridges(right, corpus, edges)
        longer = int((corpus.seconds > edges[-1]).sum())
        for axes in (left, right):
            axes.set_xlim(edges[0], edges[-1])
            axes.set_xlabel(
                f"seconds ({_clips(longer)} longer than {edges[-1]:.3g} s not drawn)" if longer else "seconds"
            )
    return figure


def _ridges(axes: Axes, corpus: ClipTable, edges: np.ndarray) -> None:
    groups = {emotion: corpus.seconds[corpus.emotion == emotion] for emotion in corpus.emotions}
    shapes = {emotion: np.histogram(seconds, edges)[0] for emotion, seconds in groups.items()}
    most = max(1, max(shape.max() for shape in shapes.values()))
    for line, (emotion, shape) in enumerate(shapes.items()):
        base = len(shapes) - 1 - line
        axes.stairs(base + 0.9 * shape / most, edges, baseline=base, fill=True, facecolor=colour(emotion), **OUTLINE)
        median = float(np.median(groups[emotion]))
        axes.plot([median, median], [base, base + 0.9], **_MEDIAN)
        axes.text(1, base + 0.42, f"{median:.2f} s", transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
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
    """Speakers and clips of each of `SEXES`.

    Attributes:
        corpus: Whose.
        side: Of the split.
        clips: In the order of `SEXES`.
        speakers: In the same order.
    """

    corpus: str
    side: str
    clips: tuple[int, ...]
    speakers: tuple[int, ...]


def count_sexes(table: ClipTable) -> list[SexCounts]:
    """The balance of women and men, a row a corpus and side that has clips."""
    rows = []
    for corpus in table.corpora:
        for side in table.sides:
            part = table.where((table.corpus == corpus) & (table.side == side))
            groups = [part.where(_sexes(part) == sex) for sex in SEXES]
            if len(part):
                rows.append(SexCounts(corpus, side, tuple(map(len, groups)), tuple(group.speakers for group in groups)))
    return rows


@styled
def sexes(table: ClipTable) -> Figure:
    """Shares of women's and men's clips, a bar a corpus and side."""
    rows = count_sexes(table)
    figure = new_figure(0.8 + 0.34 * len(rows))
    axes = figure.subplots()
    names = [f"{shortened(row.corpus)}, {row.side}" for row in rows]
    left = np.zeros(len(rows))
    for index, sex in enumerate(SEXES):
        counts = np.array([row.clips[index] for row in rows])
        shares = counts / np.array([sum(row.clips) for row in rows])
        fill, hatch = _SEX_FILLS[sex]
        if not counts.any():
            continue
        bars = axes.barh(names, shares, left=left, color=fill, hatch=hatch, label=sex, **OUTLINE)
        labels = [f"{share:.0%}" if share >= 0.04 else "" for share in shares]
        for text in axes.bar_label(bars, labels, label_type="center", fontsize=8.5):
            text.set_color("white" if sex == "female" else INK)
            text.set_bbox({"facecolor": fill, "edgecolor": "none", "pad": 1.5})
        left += shares
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    bare(axes)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(SEXES), frameon=False, borderaxespad=0.2)
    return figure


@styled
def speaker_emotions(table: ClipTable) -> Figure | None:
    """A map of the clips of each speaker in each emotion, with the side that the speaker is on.

    Every corpus starts a new band. Clips of unknown speakers are left out.

    Returns:
        None if no speaker is known.
    """
    known = table.where(table.speaker_known)
    if not len(known):
        return None
    corpora = [_speaker_counts(known.where(known.corpus == corpus)) for corpus in known.corpora]
    most_speakers = max(len(corpus.speakers) for corpus in corpora)
    bands = min(math.ceil(most_speakers / _SPEAKERS_A_BAND), _BANDS)
    width = max(math.ceil(most_speakers / bands), 12)
    parts = [part for corpus in corpora for part in corpus.bands(width)]
    heights = [0.95 + 0.2 * len(part.emotions) for part in parts]
    figure = new_figure(sum(heights) + 0.3)
    highest = max(int(part.counts.max()) for part in parts)
    for axes, part in zip(
        figure.subplots(len(parts), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0], parts, strict=True
    ):
        _draw_band(axes, part, width, highest)
    figure.colorbar(
        axes.images[0],
        ax=figure.axes,
        label="clips",
        ticks=MaxNLocator(integer=True, min_n_ticks=1),
        shrink=min(1.0, 2.5 / sum(heights)),
        pad=0.01,
    )
    strips = [Patch(facecolor=fill, label=side, **OUTLINE) for side, fill in _STRIP.items()]
    present = {side for part in parts for side in part.sides}
    figure.legend(
        handles=[strip for strip in strips if strip.get_label() in present],
        loc="outside upper left",
        ncols=len(strips),
        frameon=False,
    )
    return figure


@dataclass(frozen=True, slots=True, eq=False)
class _SpeakerCounts:
    """Clips by emotion and speaker.

    Attributes:
        title: Above the map.
        emotions: The rows.
        speakers: The columns.
        sides: Which each speaker is on.
        counts: int [emotions, speakers].
    """

    title: str
    emotions: tuple[str, ...]
    speakers: tuple[str, ...]
    sides: tuple[str, ...]
    counts: np.ndarray

    def bands(self, width: int) -> list["_SpeakerCounts"]:
        """Itself in pieces of so many speakers."""
        return [
            _SpeakerCounts(
                self.title if start == 0 else "",
                self.emotions,
                self.speakers[start : start + width],
                self.sides[start : start + width],
                self.counts[:, start : start + width],
            )
            for start in range(0, len(self.speakers), width)
        ]


def _speaker_counts(corpus: ClipTable) -> _SpeakerCounts:
    emotions, known_sides = corpus.emotions, list(_STRIP)
    speakers, column = np.unique(corpus.speaker, return_inverse=True)
    counts = np.zeros((len(emotions), len(speakers)), int)
    np.add.at(counts, (_indices(corpus.emotion, emotions), column), 1)
    is_on = np.zeros((len(known_sides), len(speakers)), bool)
    is_on[_indices(corpus.side, known_sides), column] = True
    side = np.where(is_on.sum(axis=0) > 1, known_sides.index("several sides"), is_on.argmax(axis=0))
    order = np.lexsort((np.arange(len(speakers)), side))
    return _SpeakerCounts(
        f"{shortened(corpus.corpora[0])}: {'1 speaker' if len(speakers) == 1 else f'{len(speakers):,} speakers'}",
        emotions,
        tuple(map(str, speakers[order])),
        tuple(known_sides[index] for index in side[order]),
        counts[:, order],
    )


def _indices(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[value] for value in values])


def _draw_band(axes: Axes, part: _SpeakerCounts, width: int, highest: int) -> None:
    rows, columns = part.counts.shape
    axes.imshow(part.counts, cmap=SHARES, vmin=0, vmax=highest, aspect="auto")
    strip = [[list(_STRIP).index(side) for side in part.sides]]
    axes.imshow(
        strip,
        cmap=ListedColormap(list(_STRIP.values())),
        vmin=0,
        vmax=len(_STRIP) - 1,
        aspect="auto",
        extent=(-0.5, columns - 0.5, -0.7, -1.2),
    )
    if width <= 40 and highest < 1_000:
        for row, column in np.ndindex(rows, columns):
            count = int(part.counts[row, column])
            shade = text_colour(count / highest)
            text = axes.text(
                column, row, str(count), ha="center", va="center", fontsize=min(8, 270 / width), color=shade
            )
            # Hundreds of texts inside the axes would be measured again and again for the figure's layout.
            text.set_in_layout(False)
    named = width <= _SPEAKERS_A_BAND
    labels = [shortened(speaker, 12) for speaker in part.speakers] if named else []
    axes.set_xticks(range(columns) if named else [], labels, rotation=90, fontsize=7)
    axes.set_yticks(range(rows), part.emotions)
    if columns * WIDTH < 2_000:
        axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=0.8)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(rows - 0.5, -1.25)
    axes.set_title(part.title)
    bare(axes)
    axes.tick_params(which="minor", length=0)


def _sexes(table: ClipTable) -> np.ndarray:
    return np.where(np.isin(table.sex, SEXES), table.sex, "unknown")


def _counts(values: np.ndarray, of: Sequence[str]) -> list[int]:
    return [int((values == value).sum()) for value in of]


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count:,} clips"
