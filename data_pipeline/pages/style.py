"""How every figure of this project looks, and how figures become PNG and SVG.

Figures are made without `matplotlib.pyplot`, whose global state would have to be cleaned up after every one. Emotions
have the colours of `emotion.PALETTE`; since colour alone does not tell enough, whatever is coloured also has a dark
outline and its name beside it.
"""

import io
import warnings
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from data_pipeline.emotion import PALETTE, Emotion

INK = "#222222"
"""Of text and outlines."""

MUTED = "#7F7F7F"
"""Of what is there for comparison."""

SHARES = "Blues"
"""Colour map of counts and shares: white is nothing, and lightness alone tells the rest."""

LEVELS = "viridis"
"""Colour map of levels: perceptually uniform, for colour-blind readers too (Smith and van der Walt, SciPy 2015)."""

OUTLINE: dict[str, Any] = {"edgecolor": INK, "linewidth": 0.6}
"""Of everything filled, so that yellow is seen on white."""

WIDTH = 10.0
"""Inches, of figures that fill a page."""

_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": "#999999",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    # Names come from users' files, and a dollar sign in one is no formula.
    "text.parse_math": False,
    # The same figure gives the same bytes.
    "svg.hashsalt": "ser",
}

styled = matplotlib.rc_context(_RC)  # type: ignore[arg-type]
"""Decorator of functions that draw: matplotlib reads most settings when an artist is made."""


def colour(emotion: str) -> str:
    """The colour of an emotion."""
    return PALETTE[Emotion(emotion)]


def text_colour(share: float) -> str:
    """Of text that is read on a field of `SHARES`.

    Args:
        share: Where the field lies between the colour map's ends, 0 to 1.
    """
    red, green, blue = to_rgb(matplotlib.colormaps[SHARES](share))
    # Perceived lightness of sRGB (ITU-R BT.601 luma).
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure whose parts make room for one another.

    Args:
        height: Inches.
        width: Inches.
    """
    return Figure(figsize=(width, height), layout="constrained")


def bare(axes: Axes) -> None:
    """Take the frame and the tick marks from an axes whose fields speak for themselves."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def shortened(text: str, longest: int = 40) -> str:
    """A name that fits a figure, with a sign for what no font can show."""
    visible = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return visible if len(visible) <= longest else f"{visible[: longest - 1]}…"


@styled
def png(figure: Figure) -> bytes:
    """A figure as a PNG file's content, at 150 dots per inch."""
    return _rendered(figure, "png", {"Software": None})


@styled
def svg(figure: Figure) -> str:
    """A figure as an `<svg>` element that a page can hold."""
    text = _rendered(figure, "svg", {"Date": None}).decode()
    return text[text.index("<svg") :]


def _rendered(figure: Figure, form: str, metadata: dict) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes, which is no reason to alarm anybody.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format=form, dpi=150, metadata=metadata)
    return buffer.getvalue()
