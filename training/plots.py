"""Plots of a run, as SVG text that a page can hold."""

import io
from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np


def confusion_plot(confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """Confusion matrix as shares of each acted emotion, counts beneath.

    Args:
        confusion: Counts, rows the acted emotion, columns the answers.
        labels: Names of rows and columns.

    Returns:
        An `<svg>` element.
    """
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(5.6, 4.8))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        axes.text(
            column,
            row,
            f"{shares[row, column]:.0%}\n{counts[row, column]}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if shares[row, column] > 0.55 else "black",
        )
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("heard by the model")
    axes.set_ylabel("acted")
    return _svg(figure)


def learning_curves(history: Sequence[dict[str, float]]) -> str:
    """Loss of training and validation, and validation WA and UA, over the epochs.

    Args:
        history: Rows of `history.csv`.

    Returns:
        An `<svg>` element.
    """
    epochs = [row["epoch"] for row in history]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    left.plot(epochs, [row["loss"] for row in history], label="training (augmented, smoothed)", color="#7F7F7F")
    left.plot(epochs, [row["validation_loss"] for row in history], label="validation", color="#0072B2")
    left.set_ylabel("cross-entropy")
    right.plot(epochs, [row["validation_wa"] for row in history], label="validation WA", color="#0072B2")
    right.plot(epochs, [row["validation_ua"] for row in history], label="validation UA", color="#D55E00")
    right.set_ylabel("share of clips right")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False, fontsize=8)
        axes.grid(alpha=0.3)
    return _svg(figure)


def _svg(figure) -> str:
    figure.tight_layout()
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    plt.close(figure)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
