"""Figures and settings in words, the same in every report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAIN = (("wa", "WA"), ("ua", "UA"), ("macro_f1", "macro-F1"), ("ece", "ECE"))
"""The figures of a condition that come first."""

SPLITS = {
    "speaker": "by speaker: nobody is heard on two sides",
    "random": "clip by clip: the same speakers are on every side, so these figures flatter; for comparison only",
}

LEARNED = {
    "acted": "the emotions that speakers were asked to act",
    "voted": "what most listeners heard",
    "soft": "the shares of listeners' votes",
}


def split_in_words(metrics: Mapping[str, Any]) -> str:
    """How the data was split."""
    return split_named(metrics["split_name"])


def split_named(name: str) -> str:
    """A kind of split in words: `speaker`, `random`, `fold:K/N`."""
    if name.startswith("fold:"):
        number, _, folds = name.removeprefix("fold:").partition("/")
        return f"by speaker, fold {number} of {folds}: nobody is heard on two sides"
    return SPLITS.get(name, name)


def interval(ends: Sequence[float] | None) -> str:
    """The two ends of an interval of shares; empty where there is none."""
    return f"({ends[0]:.1%} to {ends[1]:.1%})" if ends else ""


def points(difference: float) -> str:
    """A difference of shares in points of per cent, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def points_interval(ends: Sequence[float]) -> str:
    """The two ends of an interval of differences."""
    return f"({points(ends[0])} to {points(ends[1])})"


def p_value(p: float) -> str:
    """A p value; small ones only say that they are."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def start(config: Mapping[str, Any]) -> str:
    """Where training began, or of whom an ensemble is."""
    members = config["model"].get("members")
    if members:
        return f"an ensemble of {', '.join(member['name'] for member in members)}"
    weights = config["weights"]
    if isinstance(weights, Mapping):
        return f"weights from {weights['checkpoint']}"
    return f"weights from {Path(weights).name}" if weights else "random initial weights"


def learned(config: Mapping[str, Any]) -> str:
    """Whose word was learned, and for how many clips it was not to be had."""
    without, clips = config["data"].get("without_votes", {}).get("train"), config["data"]["clips"]["train"]
    exceptions = f" ({without:,} of {clips:,} training clips have no votes and count as acted)" if without else ""
    return LEARNED[config["label_kind"]] + exceptions
