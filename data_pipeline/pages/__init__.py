"""Every HTML page of the project is written here, so that all pages have one look.

A page is described with the classes of `parts`, and `render` turns the description into one HTML file that needs no
other file and no network. `figures` draws with matplotlib: each figure for a wide screen and for a phone, in colours
that follow the page's light or dark scheme; it is not imported here, since matplotlib takes its time. `charts` are the
small drawings within tables. `wording` puts numbers into words. The HTML and the stylesheet are in `templates/`.
"""

from data_pipeline.pages.charts import Bar, Histogram, IntervalMark, Waveform
from data_pipeline.pages.parts import (
    Audio,
    Fact,
    Facts,
    Group,
    Label,
    Matrix,
    Page,
    Part,
    Piece,
    Plot,
    Section,
    Table,
    Text,
    Value,
    Word,
)
from data_pipeline.pages.render import render
from data_pipeline.pages.wording import NOT_KNOWN, interval, p_value, points, points_interval, quantity

__all__ = [
    "NOT_KNOWN",
    "Audio",
    "Bar",
    "Fact",
    "Facts",
    "Group",
    "Histogram",
    "IntervalMark",
    "Label",
    "Matrix",
    "Page",
    "Part",
    "Piece",
    "Plot",
    "Section",
    "Table",
    "Text",
    "Value",
    "Waveform",
    "Word",
    "interval",
    "p_value",
    "points",
    "points_interval",
    "quantity",
    "render",
]
