"""What the demo prints, and how it stops when something does not go as told."""

from __future__ import annotations

import re
import textwrap
from typing import Final

from rich.console import Console
from rich.text import Text

WIDTH: Final = 100
_INDENT: Final = 3
_LABEL: Final = 11
_STYLES: Final = {
    "person": "bold magenta",
    "assistant": "bold cyan",
    "server": "bold yellow",
    "work": "blue",
    "why": "dim",
}
_WORDS: Final = (("REFUSED", "bold red"), ("PASSED", "bold green"), ("KILLED", "bold red"), ("COMPLETED", "bold green"))

_VOLATILE: Final = (
    (re.compile(r"_\d{8}_\d{6}_[0-9a-f]{8}\b"), "_<date>_<time>_<random>"),
    (re.compile(r"\bin \d+\.\d+s"), "in 0.000s"),
    (re.compile(r"\bprocess \d+"), "process <pid>"),
    (re.compile(r"\d+\.\d+ s\b"), "<n> s"),
)


class SurpriseError(Exception):
    """Something did not go as the story tells it."""


class Stage:
    """Prints the story line by line and keeps what it printed."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._lines: list[str] = []
        self._chapter = ""
        self._last = ""

    @property
    def transcript(self) -> str:
        """What was printed, with ids, times and process numbers made the same for every run."""
        text = "\n".join(self._lines) + "\n"
        for pattern, same in _VOLATILE:
            text = pattern.sub(same, text)
        return text

    def title(self, text: str) -> None:
        """The first line."""
        self._print(Text(text, style="bold"))

    def plain(self, *lines: str) -> None:
        """Lines outside the story."""
        for line in lines:
            self._print(Text(line))

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapter = title
        self._print(Text())
        self._print(Text(title, style="bold underline"))

    def say(self, who: str, text: str) -> None:
        """One thing said, done or explained, wrapped to the width."""
        label = "" if text.startswith("- ") and who == self._last else who
        self._last = who
        rows = textwrap.wrap(text, WIDTH - _INDENT - _LABEL, break_on_hyphens=False) or [""]
        for number, row in enumerate(rows):
            line = Text(" " * _INDENT).append((label if number == 0 else "").ljust(_LABEL), style=_STYLES[who])
            line.append(row, style="dim" if who == "why" else "")
            for word, style in _WORDS:
                line.highlight_words([word], style)
            self._print(line)

    def rows(self, rows: list[str]) -> None:
        """Lines as they are: an excerpt or a table."""
        for row in rows:
            self._print(Text(" " * (_INDENT + _LABEL) + row[: WIDTH - _INDENT - _LABEL]))

    def expect(self, holds: bool, what: str, got: object = "") -> None:
        """Raise SurpriseError unless it holds."""
        if not holds:
            seen = f"; got {str(got)[:600]}" if got != "" else ""
            raise SurpriseError(f"{self._chapter or 'before the first chapter'}: expected {what}{seen}")

    def _print(self, line: Text) -> None:
        plain = line.plain.rstrip()
        self._lines.append(plain)
        line.truncate(len(plain))
        self._console.print(line)
