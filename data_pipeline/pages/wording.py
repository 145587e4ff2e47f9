"""Numbers in words, the same on every page, on the terminal and in model cards."""

from collections.abc import Sequence

NOT_KNOWN = "not known"
"""Stands for an interval over speakers where there is only one speaker: nothing tells how speakers differ."""


def quantity(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, such as `1 speaker`, `2 speakers` or `1,234 clips`.

    Args:
        number: 0 or more.
        noun: Singular.
        plural: Defaults to the singular with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def interval(ends: Sequence[float] | None, speakers: int) -> str:
    """The two ends of an interval of shares, in brackets.

    Args:
        ends: Shares between 0 and 1; None where there is no interval.
        speakers: Number of speakers that the interval is based on.
    """
    return f"({ends[0]:.1%} to {ends[1]:.1%})" if ends and speakers > 1 else f"({NOT_KNOWN})"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def points_interval(ends: Sequence[float] | None, speakers: int) -> str:
    """The two ends of an interval of differences, in brackets; see `interval`."""
    return f"({points(ends[0])} to {points(ends[1])})" if ends and speakers > 1 else f"({NOT_KNOWN})"


def p_value(p: float) -> str:
    """A p value; one below 0.001 is not spelled out."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
