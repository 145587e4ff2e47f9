"""Figures of a run."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from data_pipeline.pages.figures import INK, MUTED, Size, new_panels, styled

_TRAINING = {"color": MUTED, "linestyle": "--", "marker": "s", "markersize": 3}
_FIRST = {"color": INK, "linestyle": "-", "marker": "o", "markersize": 3}
_SECOND = {"color": INK, "linestyle": ":", "marker": "^", "markersize": 4}
"""Styles of lines: told apart by dashes and markers, and by none of the colours, which belong to emotions."""


@styled
def learning_curves(history: Sequence[Mapping[str, Any]], *, size: Size) -> Figure:
    """Loss of training and validation, and validation WA and UA, over the epochs.

    Args:
        history: Rows of `history.csv`.
        size: The room that there is.
    """
    epochs = [row["epoch"] for row in history]
    figure, (left, right) = new_panels([3.0], 2, size)
    left.plot(epochs, [row["loss"] for row in history], label="training (augmented, smoothed)", **_TRAINING)
    validated = [row for row in history if row["validation_ua"] is not None]
    places = [row["epoch"] for row in validated]
    left.plot(places, [row["validation_loss"] for row in validated], label="validation", **_FIRST)
    left.set_ylabel("cross-entropy")
    right.plot(places, [row["validation_wa"] for row in validated], label="validation WA", **_FIRST)
    right.plot(places, [row["validation_ua"] for row in validated], label="validation UA", **_SECOND)
    right.set_ylabel("share of correct clips")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.legend()
        axes.grid(visible=True)
    return figure


@styled
def reliability_figure(reliability: Sequence[Mapping[str, float]], *, size: Size) -> Figure:
    """How often answers of similar confidence are correct, and how many there are.

    Args:
        reliability: From `metrics.reliability`.
        size: The room that there is.
    """
    confidence = [row["confidence"] for row in reliability]
    figure, (upper, lower) = new_panels([2.7, 0.7], 1, size, sharex=True)
    upper.plot([0, 1], [0, 1], label="ideal: confidence = share correct", color=MUTED, linestyle="--")
    upper.plot(confidence, [row["accuracy"] for row in reliability], label="share of correct answers", **_FIRST)
    upper.set_ylim(0, 1)
    upper.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    upper.grid(visible=True)
    lower.bar(confidence, [row["clips"] for row in reliability], width=0.04, color=MUTED)
    lower.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    lower.set_ylabel("clips")
    lower.set_xlim(0, 1)
    lower.set_xlabel("confidence of the model")
    return figure
