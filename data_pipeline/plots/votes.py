"""Listeners' votes compared with the acted emotions."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from data_pipeline.emotion import EMOTIONS
from data_pipeline.pages.figures import (
    INK,
    OUTLINE,
    SHARES,
    WIDE,
    Size,
    bare,
    colour,
    new_panels,
    styled,
    text_colour,
)
from data_pipeline.plots.clip_table import ClipTable
from data_pipeline.targets import Target, truth


@dataclass(frozen=True, slots=True, eq=False)
class VoteCounts:
    """Votes on the clips that have any.

    Attributes:
        acted: Emotions that these clips were acted with.
        heard: Emotions that listeners voted for, and those that were acted.
        votes: int [acted, heard], number of votes.
        clips: int [acted], number of clips with votes.
        agreeing: int [acted], number of clips in which most listeners heard the acted emotion.
        undecided: int [acted], number of clips in which two emotions tie for the most votes.
    """

    acted: tuple[str, ...]
    heard: tuple[str, ...]
    votes: np.ndarray
    clips: np.ndarray
    agreeing: np.ndarray
    undecided: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Share of each emotion in the votes on clips of an acted one; float64 [acted, heard], rows add up to 1."""
        return self.votes / self.votes.sum(axis=1, keepdims=True)

    @property
    def agreement_of_votes(self) -> np.ndarray:
        """Share of the votes on clips of an acted emotion that are for that emotion; float64 [acted]."""
        return self.shares[np.arange(len(self.acted)), [self.heard.index(emotion) for emotion in self.acted]]

    @property
    def agreement_of_clips(self) -> np.ndarray:
        """Share of the clips of an acted emotion in which most listeners heard it; float64 [acted]."""
        return self.agreeing / self.clips

    @property
    def overall_votes(self) -> float:
        """Share of all votes that are for the acted emotion."""
        return float((self.agreement_of_votes * self.votes.sum(axis=1)).sum() / self.votes.sum())

    @property
    def overall_clips(self) -> float:
        """Share of all clips in which most listeners heard the acted emotion."""
        return float(self.agreeing.sum() / self.clips.sum())


def count_votes(table: ClipTable) -> VoteCounts | None:
    """Votes by acted emotion, or None if no clip has any."""
    voted = table.where(np.asarray(table.votes.any(axis=1)))
    if not len(voted):
        return None
    emotions = voted.emotions
    columns = [index for index, emotion in enumerate(EMOTIONS) if emotion in emotions or voted.votes[:, index].any()]
    acted = np.array([EMOTIONS.index(emotion) for emotion in voted.emotion])
    most = truth(acted, voted.votes, Target(labels=EMOTIONS, kind="voted"))
    groups = [voted.emotion == emotion for emotion in emotions]
    return VoteCounts(
        acted=emotions,
        heard=tuple(str(EMOTIONS[index]) for index in columns),
        votes=np.array([voted.votes[group].sum(axis=0)[columns] for group in groups]),
        clips=np.array([group.sum() for group in groups]),
        agreeing=np.array([(most == acted)[group].sum() for group in groups]),
        undecided=np.array([(most == -1)[group].sum() for group in groups]),
    )


@styled
def votes_against_acted(counts: VoteCounts, *, size: Size) -> Figure:
    """The matrix of acted emotions and votes, and how often listeners agree with each acted emotion."""
    rows, columns = counts.votes.shape
    figure, (matrix, bars) = new_panels([1.5 + 0.42 * rows], 2, size, widths=[1.5, 1])
    shares = counts.shares
    image = matrix.imshow(shares, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(rows, columns):
        share = float(shares[row, column])
        shade = text_colour(share)
        matrix.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=size.small, color=shade)
    matrix.set_xticks(range(columns), counts.heard, rotation=30, ha="right", rotation_mode="anchor")
    matrix.set_yticks(range(rows), counts.acted)
    matrix.set_xlabel("heard")
    matrix.set_ylabel("acted")
    matrix.set_title("Votes on clips of each acted emotion")
    bare(matrix)
    if size is WIDE:
        figure.colorbar(image, ax=matrix, format=PercentFormatter(1, 0), pad=0.02, label="share of a row's votes")
    _draw_agreement(bars, counts)
    return figure


def _draw_agreement(axes: Axes, counts: VoteCounts) -> None:
    places = np.arange(len(counts.acted))
    fills = [colour(emotion) for emotion in counts.acted]
    axes.barh(places, counts.agreement_of_votes, height=0.62, color=fills, **OUTLINE)
    axes.plot(
        counts.agreement_of_clips,
        places,
        "D",
        markersize=7,
        color="white",
        markeredgecolor=INK,
        clip_on=False,
        zorder=3,
    )
    axes.axvline(counts.overall_votes, color=INK, linewidth=1.2, linestyle="--")
    axes.set_yticks(places, counts.acted)
    axes.set_ylim(len(places) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"Heard as acted: {counts.overall_votes:.1%} of all votes")
    axes.set_xlabel("bars: votes; diamonds: clips, by most votes;\ndashed: all votes")
