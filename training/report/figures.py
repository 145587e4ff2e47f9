"""Plots of a run, as SVG text that a page can hold."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from data_pipeline.pages.style import INK, MUTED, SHARES, bare, new_figure, shortened, styled, svg, text_colour

_LEARNED = {"color": MUTED, "linestyle": "--", "marker": "s", "markersize": 3}
_FIRST = {"color": INK, "linestyle": "-", "marker": "o", "markersize": 3}
_SECOND = {"color": INK, "linestyle": ":", "marker": "^", "markersize": 4}
"""How lines are drawn: told apart by dashes and markers, and by none of the colours, which belong to emotions."""


def confusion_plot(confusion: Sequence[Sequence[int]], labels: Sequence[str], measured_against: str = "acted") -> str:
    """What `confusion_figure` draws, as an `<svg>` element."""
    return svg(confusion_figure(confusion, labels, measured_against))


@styled
def confusion_figure(
    confusion: Sequence[Sequence[int]], labels: Sequence[str], measured_against: str = "acted"
) -> Figure:
    """Confusion matrix as shares of each right answer, counts beneath.

    Args:
        confusion: Counts, rows the right emotion, columns the answers.
        labels: Names of rows and columns.
        measured_against: Whose word is right, `acted` or `voted`.
    """
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    names = [shortened(label) for label in labels]
    figure = new_figure(1.2 + 0.6 * len(labels), 2.0 + 0.6 * len(labels))
    axes = figure.subplots()
    axes.imshow(shares, cmap=SHARES, vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        axes.text(
            column,
            row,
            f"{shares[row, column]:.0%}\n{counts[row, column]}",
            ha="center",
            va="center",
            fontsize=8,
            color=text_colour(float(shares[row, column])),
        )
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("heard by the model")
    axes.set_ylabel(measured_against)
    bare(axes)
    return figure


@styled
def learning_curves(history: Sequence[dict[str, float | None]]) -> str:
    """Loss of training and validation, and validation WA and UA, over the epochs.

    Args:
        history: Rows of `history.csv`.

    Returns:
        An `<svg>` element.
    """
    epochs = [row["epoch"] for row in history]
    figure = new_figure(3.2, 9)
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [row["loss"] for row in history], label="training (augmented, smoothed)", **_LEARNED)
    heard = [row for row in history if row["validation_ua"] is not None]
    looks = [row["epoch"] for row in heard]
    left.plot(looks, [row["validation_loss"] for row in heard], label="validation", **_FIRST)
    left.set_ylabel("cross-entropy")
    right.plot(looks, [row["validation_wa"] for row in heard], label="validation WA", **_FIRST)
    right.plot(looks, [row["validation_ua"] for row in heard], label="validation UA", **_SECOND)
    right.set_ylabel("share of clips right")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.legend(frameon=False, fontsize=8)
        axes.grid(visible=True)
    return svg(figure)


@styled
def reliability_plot(reliability: Sequence[dict[str, float]]) -> str:
    """How often answers of like confidence are right, and how many there are.

    Args:
        reliability: From `metrics.reliability`.

    Returns:
        An `<svg>` element.
    """
    confidence = [row["confidence"] for row in reliability]
    figure = new_figure(3.6, 4.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot([0, 1], [0, 1], label="confidence that is kept", color=MUTED, linestyle="--")
    upper.plot(confidence, [row["accuracy"] for row in reliability], label="share of answers right", **_FIRST)
    upper.set_ylim(0, 1)
    upper.legend(frameon=False, fontsize=8)
    upper.grid(visible=True)
    lower.bar(confidence, [row["clips"] for row in reliability], width=0.04, color=MUTED)
    lower.set_ylabel("clips")
    lower.set_xlim(0, 1)
    lower.set_xlabel("confidence of the model")
    return svg(figure)
