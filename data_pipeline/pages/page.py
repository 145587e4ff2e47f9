"""A page of figures and tables that holds all it shows, so that it can be mailed or copied as one file."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { margin-bottom: 0.2rem; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd; padding-bottom: 0.2rem; }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
td, th { padding: 0.2rem 0.5rem; border-bottom: 1px solid #ddd; text-align: right; }
td:first-child, th:first-child { text-align: left; min-width: 9rem; overflow-wrap: anywhere; }
.notice { background: #fff4d6; border-left: 4px solid #E69F00; padding: 0.5rem 1rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.6rem; margin: 1rem 0; padding: 0; }
.facts div { background: #f4f5f7; border-radius: 6px; padding: 0.4rem 0.9rem; overflow-wrap: anywhere; }
.facts dt { color: #666; font-size: 0.8rem; }
.facts dd { margin: 0; font-weight: 600; }
.wide { overflow-x: auto; }
nav a { margin-right: 1rem; }
figure { margin: 1rem 0; }
figcaption { color: #666; font-size: 0.8rem; }
img { max-width: 100%; height: auto; }
"""
"""Of the pages that this project makes."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure on a page, and as a file beside it.

    Attributes:
        name: Of the file, without its suffix.
        png: The file's content.
        description: For those who cannot see it.
    """

    name: str
    png: bytes
    description: str

    @property
    def file_name(self) -> str:
        """The file's name."""
        return f"{self.name}.png"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header; the first column names the row.

    Attributes:
        header: A text a column.
        rows: As many texts each.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page.

    Attributes:
        title: Its heading.
        text: A sentence or more on how to read what follows; plain text.
        plots: Shown in this order.
        tables: Shown below them.
    """

    title: str
    text: str
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()


def page(title: str, facts: Sequence[tuple[str, str]], notices: Sequence[str], sections: Sequence[Section]) -> str:
    """The page's HTML; every text is escaped.

    Args:
        title: What is shown.
        facts: Names and values, for the top of the page.
        notices: What a reader must know before any figure, a sentence each.
        sections: In their order.
    """
    shown = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in facts)
    links = "".join(
        f'<a href="#part-{number}">{html.escape(section.title)}</a>' for number, section in enumerate(sections)
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n"
        f'<dl class="facts">{shown}</dl>\n'
        + "".join(f'<p class="notice">{html.escape(notice)}</p>\n' for notice in notices)
        + f"<nav>{links}</nav>\n"
        + "".join(
            f'<section id="part-{number}">{_section(section)}</section>\n' for number, section in enumerate(sections)
        )
        + "</body></html>\n"
    )


def _section(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.title)}</h2>", f"<p>{html.escape(section.text)}</p>" if section.text else ""]
    return "".join(parts + [_plot(plot) for plot in section.plots] + [_table(table) for table in section.tables])


def _plot(plot: Plot) -> str:
    encoded = base64.b64encode(plot.png).decode()
    description = html.escape(plot.description)
    return (
        f'<figure><img src="data:image/png;base64,{encoded}" alt="{description}">'
        f"<figcaption>{html.escape(plot.file_name)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    header = "".join(f"<th>{html.escape(text)}</th>" for text in table.header)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in table.rows)
    return f'<div class="wide"><table><tr>{header}</tr>{rows}</table></div>'
