"""Reading an HTML page strictly: every tag is known, is closed in order, and does nothing."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br"}
KNOWN = VOID | {
    "html", "head", "title", "style", "body", "header", "main", "footer", "section", "p", "h1", "h2", "h3", "h4", "b",
    "strong", "span", "code", "bdi", "q", "ul", "li", "a", "time", "details", "summary", "div", "table", "thead",
    "tbody", "tr", "th", "td", "pre",
}  # fmt: skip
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "scope", "datetime", "open"}
ATTRIBUTES.add("aria-label")


class Page(HTMLParser):
    """One page: its text by line, and what would be wrong with it."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.ids: set[str] = set()
        self.targets: set[str] = set()
        self.pieces: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        self.problems += [f"{tag} is not closed" for tag in self._open]

    @property
    def text(self) -> str:
        """All text, the style sheet left out."""
        return "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in KNOWN:
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.problems.append(f"<{tag} {name}>")
            if name == "id":
                self.ids.add(value or "")
            if name == "href":
                self.targets.add(value or "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.pieces.append(data)

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"<!--{data}-->")
