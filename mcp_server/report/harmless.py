"""Text of others made harmless: it shows what it is, and steers neither a terminal, a browser nor a Markdown reader."""

from __future__ import annotations

import html
import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, or turning the text
    "\ud800-\udfff\U000e0000-\U000e007f]"  # half of a pair; tags
)
_MARKS: Final = re.compile(r"[\\`*_\[\]|#@~]")
_TICKS: Final = re.compile("`+")


def plain(text: str) -> str:
    """The text with all that cannot be seen, or that turns what can, written out; a line ends in a line feed."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))


def escaped(text: object) -> str:
    """The text for HTML, inside an element or a quoted attribute."""
    return html.escape(plain(str(text)))


def line(text: object) -> str:
    """The text in one line."""
    return " ".join(plain(str(text)).split())


def code(text: object) -> str:
    """The text in one line as a Markdown code span, also inside a table: nothing in it is read as anything else."""
    shown = line(text)
    if not shown:
        return "(empty)"
    ticks = "`" * (_longest(shown) + 1)
    padding = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{ticks}{padding}{shown}{padding}{ticks}".replace("|", "\\|")


def prose(text: object) -> str:
    """The text in one line as plain words of Markdown."""
    return _MARKS.sub(r"\\\g<0>", html.escape(line(text), quote=False))


def fence(text: str, language: str = "text") -> str:
    """The text as a fenced block of Markdown that nothing in it ends."""
    shown = plain(text)
    ticks = "`" * max(3, _longest(shown) + 1)
    return f"{ticks}{language}\n{shown}\n{ticks}"


def _longest(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
