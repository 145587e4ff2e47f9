"""Small drawings that stand within text and tables. Templates draw them; here are their measures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_pipeline.pages.parts import Part

_BINS = 40


@dataclass(frozen=True, slots=True)
class Bar(Part):
    """A share as the length of a bar.

    Attributes:
        share: Between 0 and 1.
    """

    share: float


@dataclass(frozen=True, slots=True)
class IntervalMark(Part):
    """A share as a dot on the line of its interval, on a scale from 0 to 1, with a dashed line for comparison.

    Attributes:
        value: Between 0 and 1.
        interval: The two ends, or None.
        reference: Position of the dashed line.
    """

    value: float
    interval: Sequence[float] | None
    reference: float


@dataclass(frozen=True, slots=True)
class Histogram(Part):
    """Counts of values as bars, with the least, the median and the largest value named.

    Attributes:
        name: What the values are.
        values: One or more.
    """

    name: str
    values: Sequence[float]

    @property
    def bars(self) -> list[tuple[float, float, int, float]]:
        """Ends of each bin, the number of values in it, and the bar's height between 0 and 1."""
        counts, edges = np.histogram(self.values, bins=_BINS)
        # A bin with a single clip among thousands is what one looks for, so that it stays visible.
        heights = [max(0.02, count / counts.max()) if count else 0.0 for count in counts]
        return list(zip(edges.tolist(), edges[1:].tolist(), counts.tolist(), heights, strict=False))

    @property
    def marks(self) -> tuple[float, float, float]:
        """The least, the median and the largest value."""
        return min(self.values), float(np.median(self.values)), max(self.values)


@dataclass(frozen=True, slots=True)
class Waveform(Part):
    """The outline of a recording between two lines at full scale.

    Attributes:
        seconds: Duration.
        lowest: Lowest sample of each stretch, full scale ±1.
        highest: Highest sample of each stretch.
    """

    seconds: float
    lowest: Sequence[float]
    highest: Sequence[float]

    @property
    def points(self) -> str:
        """Corners of the outline, where x and y lie between 0 and 100."""
        step = 100 / len(self.highest)
        upper = [(place * step, level) for place, level in enumerate(self.highest)]
        lower = [(place * step, level) for place, level in enumerate(self.lowest)]
        return " ".join(f"{x:.4g},{50 - 46 * max(-1.0, min(1.0, level)):.4g}" for x, level in upper + lower[::-1])
