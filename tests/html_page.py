"""What a page says, for tests: its text, tables, notices and figures, however they are marked up."""

import html.parser
from collections import Counter
from pathlib import Path

_ENDLESS = {"meta", "br", "img", "input", "link", "hr"}


class HtmlPage(html.parser.HTMLParser):
    """A page that was read.

    Attributes:
        source: The HTML.
        text: All text that is shown, in its order.
        tags: How often each tag occurs.
        links: Values of all `src` and `href`.
        labels: Values of all `aria-label`.
        notices: Texts of the notices.
        tables: Rows of texts of each table, the header among them.
        marked: Rows of all tables that stand out.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source, self.text = source, ""
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.labels: list[str] = []
        self.notices: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.marked: list[list[str]] = []
        self._open: list[tuple[str, str]] = []
        self.feed(source)

    @classmethod
    def of(cls, file: Path) -> "HtmlPage":
        """Read a file."""
        return cls(file.read_text(encoding="utf-8"))

    def rows_of(self, name: str) -> list[list[str]]:
        """All rows of tables whose first cell has this text."""
        return [row for table in self.tables for row in table if row and row[0] == name]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        self.tags[tag] += 1
        self.links += [value for name, value in attributes if name in ("src", "href", "xlink:href") and value]
        self.labels += [known["aria-label"]] if known.get("aria-label") else []
        style = known.get("class") or ""
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
            if "marked" in style:
                self.marked.append(self.tables[-1][-1])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif "notice" in style:
            self.notices.append("")
        if tag not in _ENDLESS:
            self._open.append((tag, style))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if "style" in tags or "script" in tags:
            return
        self.text += data
        if any(tag in ("td", "th") for tag in tags):
            self.tables[-1][-1][-1] += data
        if any("notice" in style for _, style in self._open):
            self.notices[-1] += data
