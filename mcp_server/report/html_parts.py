"""The small parts that the HTML page is made of. What they are given as text is escaped here, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from mcp_server.report import wording
from mcp_server.report.harmless import escaped
from mcp_server.report.model import EvidenceItem, Excerpt


def code(text: object) -> str:
    """Text of others inside a line."""
    return f"<code><bdi>{escaped(text)}</bdi></code>"


def badge(word: str, kind: str) -> str:
    """A word that stands out; ``kind`` is a basis, ``good``, ``bad`` or ``none``."""
    return f'<span class="badge {kind}">{escaped(word)}</span>'


def moment(at: datetime | None) -> str:
    """A time for people and programs."""
    return f'<time datetime="{at.isoformat()}">{wording.moment(at)}</time>' if at else ""


def fold(summary: str, content: str, *, name: str = "", is_open: bool = False) -> str:
    """Content that shows when it is asked for; ``summary`` is HTML."""
    attributes = f' class="{name}"' * bool(name) + " open" * is_open
    return f"<details{attributes}><summary>{summary}</summary>\n{content}\n</details>"


def rows(heading: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML."""
    titles = "".join(f'<th scope="col">{escaped(one)}</th>' for one in heading)
    top = f"<thead><tr>{titles}</tr></thead>\n" if heading else ""
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells)
    return f'<div class="scroll"><table>{top}<tbody>\n{body}\n</tbody></table></div>'


def block(text: str) -> str:
    """Text of others in lines of its own."""
    return f"<pre>{escaped(text.rstrip())}</pre>"


def cut(excerpt: Excerpt) -> str:
    """Size and hash of a text, and whether it is all there."""
    part = ", of which a part is shown" if excerpt.clipped and excerpt.text else ""
    part = ", left out for its size" if excerpt.clipped and not excerpt.text else part
    return f'<span class="soft">{wording.size(excerpt.bytes)}{part}, SHA-256 </span>{code(excerpt.sha256)}'


def item_table(items: Iterable[EvidenceItem]) -> str:
    """Evidence with the basis of each piece."""
    return rows(
        ("Evidence", "Basis", "Value"),
        (
            (code(one.name), badge(wording.BASES[one.basis][0], one.basis), f"{block(one.value.text)}{cut(one.value)}")
            for one in items
        ),
    )
