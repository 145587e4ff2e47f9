"""How every figure of this project looks, and how figures become PNG files and SVG elements.

A function that draws is decorated with `styled` and takes a `size`: `WIDE` for desktops and PNG files, `NARROW` for
phones, where panels are stacked and text is larger, or `SMALL` for cards. `plot` draws for a page.

Figures are made without `matplotlib.pyplot`, whose global state would have to be cleaned up after every one. Emotions
have the colours of `emotion.PALETTE`; since colour alone does not tell enough, whatever is coloured also has an outline
and its name beside it. Ink, paper and the greys follow the page's light or dark scheme (see `_SCHEME`).
"""

import functools
import io
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from data_pipeline.emotion import PALETTE, Emotion
from data_pipeline.pages.parts import Plot

INK = "#222222"
"""Colour of text and outlines."""

PAPER = "#fefefe"
"""Colour of the background; plain white stays white on a dark page, too."""

MUTED = "#7f7f7f"
"""Colour of what is there for comparison."""

SHADE = "#c8c8c8"
"""Colour of areas that are there for comparison."""

_EDGE, _GRID = "#999999", "#dddddd"

_SCHEME = {INK: "--ink", PAPER: "--paper", MUTED: "--muted", SHADE: "--shade", _EDGE: "--edge", _GRID: "--grid"}
"""Variables of the stylesheet that stand in for these colours within a page."""

SHARES = LinearSegmentedColormap.from_list("shares", [(0.13, 0.44, 0.71, opacity) for opacity in (0.0, 1.0)])
"""Colour map of counts and shares: nothing is the paper's own colour, and opacity tells the rest."""

LEVELS = "viridis"
"""Colour map of levels: perceptually uniform, for colour-blind readers too (Smith and van der Walt, SciPy 2015)."""

_MISSING = "Glyph .* missing from font"
"""Warning about a name in a script that the font lacks: it shows as boxes, which is no reason to alarm anybody."""

OUTLINE: dict[str, Any] = {"edgecolor": INK, "linewidth": 0.6}
"""Outline of everything filled, so that yellow is seen on white."""


@dataclass(frozen=True, slots=True)
class Size:
    """The room that a figure has.

    Attributes:
        width: Inches; 72 units of an SVG each.
        font: Points of titles and labels.
        small: Points of the smallest text.
    """

    width: float
    font: float
    small: float


WIDE = Size(10.0, 9.5, 8.5)
"""Fills the page on a desktop, where a unit of the SVG is about 1.4 pixels."""

NARROW = Size(5.0, 12.5, 11.5)
"""Fills the page on a phone, where a unit of the SVG is about one pixel."""

SMALL = Size(4.0, 12.0, 11.0)
"""Fits a card on both."""


def _settings(size: Size) -> Any:
    return {
        "font.family": "DejaVu Sans",
        "font.size": size.font,
        "axes.titlesize": size.font,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.labelsize": size.small,
        "axes.edgecolor": _EDGE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.labelcolor": INK,
        "text.color": INK,
        "legend.fontsize": size.small,
        "legend.frameon": False,
        "xtick.color": _EDGE,
        "ytick.color": _EDGE,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": size.small,
        "ytick.labelsize": size.small,
        "grid.color": _GRID,
        "grid.linewidth": 0.6,
        "hatch.linewidth": 0.6,
        # Names come from users' files, and a dollar sign in one is no formula.
        "text.parse_math": False,
        # The page's own font shows the text, and readers can search and copy it.
        "svg.fonttype": "none",
    }


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorate a function that draws: it takes a keyword `size`, and matplotlib's settings fit that size.

    Matplotlib reads most settings when an artist is made. The figure is laid out here, once for all its files.
    """

    @functools.wraps(draw)
    def drawn(*arguments: Any, size: Size = WIDE, **named: Any) -> Figure:
        with matplotlib.rc_context(_settings(size)):
            figure = draw(*arguments, size=size, **named)
            _layout(figure)
            return figure

    return drawn


def _layout(figure: Figure) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_MISSING)
        figure.draw_without_rendering()
    figure.set_layout_engine(None)


def new_figure(height: float, size: Size) -> Figure:
    """An empty figure whose parts make room for one another.

    Args:
        height: Inches for text of the wide size; larger text makes the figure higher.
        size: The room that there is.
    """
    figure = Figure(figsize=(size.width, height * size.font / WIDE.font))
    figure.set_layout_engine("constrained", h_pad=0.006 * size.font)
    return figure


def new_panels(
    heights: Sequence[float], columns: int, size: Size, widths: Sequence[float] | None = None, **options: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of panels, side by side on a wide screen and below one another elsewhere.

    Args:
        heights: Inches of each row of panels on a wide screen.
        columns: Number of panels side by side on a wide screen.
        size: The room that there is.
        widths: Relative widths of the columns on a wide screen; equal by default.
        options: Further options of `Figure.subplots`.

    Returns:
        The figure and its axes [panels], row by row.
    """
    if size is not WIDE:
        heights, columns, widths = [height for height in heights for _ in range(columns)], 1, None
    figure = new_figure(sum(heights), size)
    axes = figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights, width_ratios=widths, **options)
    return figure, axes.ravel()


def colour_bar(
    figure: Figure, image: AxesImage, panels: Iterable[Axes], label: str, size: Size, **options: Any
) -> None:
    """What an image's colours mean: beside its panels, or below them on a phone.

    Args:
        figure: The figure.
        image: One of the images, which all have the same colours.
        panels: The panels with these images.
        label: What the colours tell, with the unit.
        size: The room that there is.
        options: Further options of `Figure.colorbar`.
    """
    beside = {"location": "right", "pad": 0.01} if size is WIDE else {"location": "bottom", "aspect": 40, "pad": 0.01}
    figure.colorbar(image, ax=list(panels), label=label, **(options | beside))


def plot(name: str, draw: Callable[..., Figure], description: str, as_file: bool = False, small: bool = False) -> Plot:
    """A figure for a page, drawn for wide screens and for phones.

    Args:
        name: File name without its suffix; unique on its page.
        draw: Called with each `size`.
        description: What the figure shows, for those who cannot see it.
        as_file: Whether the figure also is a PNG file beside the page.
        small: Whether it is drawn once, as small on a wide screen as on a phone.
    """
    sizes = {SMALL: name} if small else {WIDE: f"{name} wide", NARROW: name}
    figures = {size: draw(size=size) for size in sizes}
    drawn = [svg(figure, sizes[size], size) for size, figure in figures.items()]
    file = png(next(iter(figures.values()))) if as_file else b""
    return Plot(name, description, "" if small else drawn[0], drawn[-1], file)


def colour(emotion: str) -> str:
    """The colour of an emotion."""
    return PALETTE[Emotion(emotion)]


def text_colour(share: float) -> str:
    """Colour of text on a field of `SHARES`.

    Args:
        share: Position of the field between the colour map's ends, 0 to 1.
    """
    return INK if share < 0.7 else "white"


def bare(axes: Axes) -> None:
    """Take the frame and the tick marks from an axes whose fields speak for themselves."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def shortened(text: str, longest: int = 40) -> str:
    """A name that fits a figure, with a sign for what no font can show."""
    visible = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return visible if len(visible) <= longest else f"{visible[: longest - 1]}…"


def png(figure: Figure) -> bytes:
    """A figure as a PNG file's content, at 150 dots per inch."""
    return _rendered(figure, WIDE, format="png", metadata={"Software": None})


def svg(figure: Figure, name: str, size: Size) -> str:
    """A figure as an `<svg>` element: without a size of its own, and in the colours of the page that holds it.

    Args:
        figure: Drawn for this size.
        name: Unique on the page, since the parts of an SVG refer to one another by identifiers of the whole page.
        size: The size that it was drawn for.
    """
    text = _rendered(figure, size, {"svg.hashsalt": name}, format="svg", metadata={"Date": None}, transparent=True)
    source = text.decode()[text.index(b"<svg") :]
    # A page has no use for the licence of matplotlib's output, nor for a style of the whole page.
    source = re.sub(r"(?s)<metadata>.*?</metadata>|<defs>\s*<style.*?</defs>|(?<=\n) +", "", source)
    used = set(re.findall(r"#([\w.]+)[\")]", source))
    return re.sub(r"<[^>]+>", lambda tag: _for_page(tag[0], used), source)


def _for_page(tag: str, used: set[str]) -> str:
    """A tag without size and font, in the page's colours, and with no identifier that nothing refers to."""
    tag = re.sub(r'; font-family: [^;"]*| (width|height)="[\d.]+pt"| transform="rotate\(-0 [^"]*"', "", tag)
    tag = re.sub(r' id="([\w.]+)"', lambda found: found[0] if found[1] in used else "", tag)
    # Only a style can refer to a variable.
    tag = re.sub(r' fill="(#[0-9a-f]{6})"', r' style="fill: \1"', tag)
    return re.sub("|".join(_SCHEME), lambda found: f"var({_SCHEME[found[0]]}, {found[0]})", tag)


def _rendered(figure: Figure, size: Size, settings: dict[str, Any] | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), matplotlib.rc_context(_settings(size) | (settings or {})):
        warnings.filterwarnings("ignore", message=_MISSING)
        figure.savefig(buffer, dpi=150, **options)
    return buffer.getvalue()
