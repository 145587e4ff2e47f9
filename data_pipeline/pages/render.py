"""A page's description as HTML."""

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from data_pipeline.emotion import PALETTE
from data_pipeline.pages.parts import Page, Piece

_ENVIRONMENT = Environment(
    loader=PackageLoader("data_pipeline.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(page: Page) -> str:
    """The HTML of a page, which needs no other file. Every text is escaped.

    Args:
        page: What to show.
    """
    return _ENVIRONMENT.get_template("page.html.jinja").render(page=page)


def _show(piece: Piece) -> Markup:
    if isinstance(piece, str):
        return escape(piece)
    if isinstance(piece, tuple):
        return Markup().join(map(_show, piece))
    return getattr(_PARTS, type(piece).__name__.lower())(piece)


_ENVIRONMENT.globals |= {"show": _show, "palette": PALETTE}
_ENVIRONMENT.filters["base64"] = lambda content: base64.b64encode(content).decode()
_PARTS = _ENVIRONMENT.get_template("parts.html.jinja").module
