"""The Markdown page is read as GitHub reads it, and nothing that others wrote is read as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from mcp_server.report import COMMENT_CHARACTERS, page
from mcp_server.report.harmless import code, fence, prose
from tests.report.conftest import Played, Site

pytestmark = pytest.mark.integration

OURS = re.compile(r"</?details( open)?>|<summary>(<b>)?[^<>]*(</b>)?[^<>]*(<code>[^<>]*</code>)?</summary>")


def read(source: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(source)


def within(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from within(token.children or [])


def test_of_html_there_is_only_what_folds(hostile: Played) -> None:
    tokens = list(within(read(hostile.page("md"))))
    pieces = [token.content.strip() for token in tokens if token.type in {"html_block", "html_inline"}]
    assert pieces
    for piece in pieces:
        assert OURS.sub("", piece) == ""
    opened = sum(piece.count("<details") for piece in pieces)
    assert opened == sum(piece.count("</details>") for piece in pieces) > 0


def test_what_others_wrote_stands_in_code_alone(hostile: Played) -> None:
    tokens = list(within(read(hostile.page("md"))))
    kinds = {token.type for token in tokens if "octocat" in token.content and not token.children}
    assert kinds == {"code_inline", "fence"}
    assert {token.type for token in tokens} & {"link_open", "image", "hr", "blockquote_open", "code_block"} == set()
    headings = [token.content for token in tokens if token.type == "inline" and token.level == 1]
    assert not any(text == "heading" for text in headings)


def test_every_row_has_as_many_cells_as_its_heading(hostile: Played) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", hostile.page("md"), re.MULTILINE)
    assert len(tables) > 20
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


@pytest.mark.parametrize("text", ["`", "``", "a`b``c", "|", "\\|", "a\\", " x ", "", "\n", "<b>", "`|`", "*", "~~~"])
def test_a_code_span_holds_any_text_in_a_cell(text: str) -> None:
    tokens = list(within(read(f"| a | b |\n| --- | --- |\n| {code(text)} | end |")))
    assert [token.type for token in tokens].count("td_open") == 2
    spans = [token.content for token in tokens if token.type == "code_inline"]
    assert spans == ([" ".join(text.split())] if text.strip() else [])
    assert not any(token.type == "html_inline" for token in tokens)


@pytest.mark.parametrize("text", ["```", "a\n```\nb", "`````\n~~~", "", "</details>", "    indented", "\r```"])
def test_a_fence_holds_any_text(text: str) -> None:
    tokens = read(f"{fence(text)}\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content == text.replace("\r", "\\r") + "\n"


def test_plain_words_are_read_as_they_stand() -> None:
    said = "a_b_c *d* [e](f) <g> `h` | i & j # k"
    (token,) = [one for one in read(prose(said)) if one.type == "inline"]
    assert {child.type for child in token.children or []} <= {"text", "text_special"}
    assert "".join(child.content for child in token.children or []) == said


def test_it_fits_a_comment_and_says_what_is_left_out(site: Site) -> None:
    session = site.start(fast=True)
    for number in range(5):
        site.submit(session, 1, **{f"item_{number}_{other}": "x" * 900 for other in range(60)})
    shown = page(site.engine, session, "md")
    assert 2_000 < len(shown) <= COMMENT_CHARACTERS
    assert "left out" in shown
    assert len(page(site.engine, session, "html")) > COMMENT_CHARACTERS
