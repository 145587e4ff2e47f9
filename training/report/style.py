"""How the pages of runs look."""

import html
from collections.abc import Sequence

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { margin-bottom: 0.3rem; overflow-wrap: anywhere; }
h2 { margin-top: 2.6rem; border-bottom: 1px solid #ddd; padding-bottom: 0.2rem; }
h3 { margin: 1.6rem 0 0.3rem; }
table { border-collapse: collapse; margin: 0.5rem 0 1rem; font-size: 0.93rem; font-variant-numeric: tabular-nums; }
td, th { padding: 0.2rem 0.6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
td small { color: #666; }
td:first-child, th:first-child { text-align: left; }
tr.differs td { background: #fff4d6; }
nav a { margin-right: 1rem; }
.notice { background: #fff4d6; border-left: 4px solid #E69F00; padding: 0.5rem 1rem; }
.quiet { color: #666; font-size: 0.9rem; }
.tiles { display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1rem 0; }
.tile { border: 1px solid #ddd; border-radius: 6px; padding: 0.5rem 1rem; min-width: 7rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.3; font-weight: 600; }
.plots { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
.plots svg { flex: 0 1 auto; }
.wide { overflow-x: auto; }
.clips { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1rem; }
.clip { border: 1px solid #ddd; border-radius: 6px; padding: 0.7rem 1rem; }
.clip img, .clip audio { width: 100%; display: block; margin: 0.4rem 0; }
.clip p { margin: 0.2rem 0; }
code { font-size: 0.92em; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; vertical-align: middle; }
td svg { max-width: none; }
"""


def page(title: str, parts: Sequence[str]) -> str:
    """A whole page.

    Args:
        title: Plain text.
        parts: HTML.
    """
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style><h1>{html.escape(title)}</h1>{''.join(parts)}"
        "</html>\n"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], marked: Sequence[bool] | None = None) -> str:
    """A table; cells are HTML.

    Args:
        header: A text a column.
        rows: As many cells each; the first names the row.
        marked: For each row whether it stands out; none does unless given.
    """
    classes = ["<tr class=differs>" if one else "<tr>" for one in marked or [False] * len(rows)]
    body = "".join(start + "".join(f"<td>{cell}" for cell in row) for start, row in zip(classes, rows, strict=True))
    return f"<div class=wide><table><tr>{''.join(f'<th>{cell}' for cell in header)}{body}</table></div>"
