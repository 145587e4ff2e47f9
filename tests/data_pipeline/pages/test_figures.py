"""Figures as parts of a page."""

import io
import re
import xml.etree.ElementTree

import numpy as np
from PIL import Image

from data_pipeline.pages.figures import (
    INK,
    NARROW,
    PAPER,
    SHARES,
    WIDE,
    new_panels,
    plot,
    png,
    styled,
    svg,
)


@styled
def drawing(*, size):
    figure, (left, right) = new_panels([2], 2, size)
    left.plot([0, 1], [0, 1], color=INK, label='<&"#222222" id="axes"')
    left.bar([0], [1], color=PAPER, hatch="//")
    left.legend()
    right.imshow(np.eye(3), cmap=SHARES)
    return figure


def test_an_svg_is_at_home_on_a_page():
    source = plot("one", drawing, "x").wide

    root = xml.etree.ElementTree.fromstring(source)
    assert not {"width", "height"} & set(root.keys())
    assert root.get("viewBox") == "0 0 720 144"
    for what in ("<style", "<metadata", "font-family", "http://matplotlib"):
        assert what not in source
    # The page's scheme decides, and where it says nothing the figure's own colour.
    assert "stroke: var(--ink, #222222)" in source
    assert "fill: var(--paper, #fefefe)" in source
    # What a user's file is called is no colour and no identifier.
    assert '#222222" id="axes"' in source


def test_all_identifiers_of_a_page_are_different_and_in_use():
    plots = [plot(name, drawing, "x") for name in ("one", "two")]

    found = [re.findall(r' id="([^"]+)"', source) for one in plots for source in (one.wide, one.narrow)]

    identifiers = [identifier for each in found for identifier in each if identifier != "axes"]
    assert len(set(identifiers)) == len(identifiers) > 8
    for one in plots:
        for source in (one.wide, one.narrow):
            used = set(re.findall(r"url\(#(\w+)\)|href=\"#(\w+)\"", source))
            assert {first or second for first, second in used} <= set(identifiers)


def test_equal_figures_are_equal_files():
    assert plot("one", drawing, "x", as_file=True) == plot("one", drawing, "x", as_file=True)


def test_on_a_phone_panels_are_stacked_and_text_is_larger():
    wide, narrow = drawing(size=WIDE), drawing(size=NARROW)

    assert wide.axes[1].get_position().x0 > wide.axes[0].get_position().x1
    assert narrow.axes[1].get_position().y1 < narrow.axes[0].get_position().y0
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg(narrow, "x", NARROW))]
    # A unit is a pixel on a screen of 390.
    assert min(sizes) >= 11


def test_a_file_is_as_wide_as_a_desktop_and_opaque():
    image = Image.open(io.BytesIO(png(drawing(size=WIDE))))

    assert image.size[0] == 1_500
    assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)


def test_a_small_plot_is_the_same_everywhere():
    found = plot("one", drawing, "x", small=True)

    assert found.wide == ""
    assert found.narrow.startswith("<svg")
