"""A figure with its interval as a small drawing in a table's cell."""

from collections.abc import Sequence

_WIDTH, _HEIGHT = 140, 16


def range_mark(value: float, interval: Sequence[float] | None, reference: float) -> str:
    """A dot on the line of its interval, on a scale from 0 to 1, with a dashed line for comparison.

    Args:
        value: Between 0 and 1.
        interval: Its two ends, or None.
        reference: Where the dashed line is.

    Returns:
        An `<svg>` element.
    """
    low, high = interval or (value, value)
    middle = _HEIGHT / 2
    return (
        f"<svg width={_WIDTH} height={_HEIGHT} role=img aria-label='{value:.1%}'>"
        f"<line x1=0 x2={_WIDTH} y1={middle} y2={middle} stroke=#ddd />"
        f"<line x1={_x(reference)} x2={_x(reference)} y1=0 y2={_HEIGHT} stroke=#7F7F7F stroke-dasharray='3 2' />"
        f"<line x1={_x(low)} x2={_x(high)} y1={middle} y2={middle} stroke=#222 stroke-width=2 />"
        f"<circle cx={_x(value)} cy={middle} r=3.5 fill=#222 /></svg>"
    )


def _x(share: float) -> str:
    return f"{4 + share * (_WIDTH - 8):.1f}"
