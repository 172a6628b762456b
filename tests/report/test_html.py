"""The HTML page stands by itself, is well formed, and nothing that others wrote gets out of its place."""

from __future__ import annotations

import re
import unicodedata

import pytest

from mcp_server.report import page
from tests.report.conftest import Played, Site
from tests.report.html_pages import Page

pytestmark = pytest.mark.integration


def test_what_others_wrote_is_text_and_nothing_else(hostile: Played) -> None:
    shown = Page(hostile.page("html"))
    assert shown.problems == []
    assert "<script>alert('x')</script>" in shown.text
    assert "</pre></code></details></table>" in shown.text


def test_what_cannot_be_seen_or_turns_the_text_is_written_out(hostile: Played) -> None:
    source = hostile.page("html")
    assert {unicodedata.category(char) for char in source} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == {"Cc"}
    assert {char for char in source if unicodedata.category(char) == "Cc"} == {"\n"}
    assert "\\u202egnp.exe\\u202c zero\\u200bwidth" in source


def test_it_needs_nothing_beside_itself_and_runs_nothing(plain: Played) -> None:
    source = plain.page("html")
    shown = Page(source)
    assert "default-src 'none'" in source
    assert shown.targets == {f"#phase-{number}" for number in range(1, 6)}
    assert {target.removeprefix("#") for target in shown.targets} <= shown.ids
    style = source[source.index("<style>") : source.index("</style>")]
    assert not re.search(r"url\(|@import|expression", style)
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


def test_it_says_first_what_rests_on_what(plain: Played) -> None:
    text = Page(plain.page("html")).text
    top = text[: text.index("Every phase, every attempt")]
    for said in (
        "Of 5 phases: 1 human, 2 attested, 1 overridden and 1 skipped.",
        "verified: no phase",
        "attested: phases 1 and 2",
        "overridden: phase 5",
        "human: phase 4",
        "Phase 5 was overridden: a person let it pass although its gate did not. a word",
        "Of 3 decisions of a person 2 were not authenticated",
    ):
        assert said in top


def test_a_value_of_megabytes_is_shown_in_part_with_the_hash_of_the_whole(site: Site) -> None:
    session = site.start(fast=True)
    site.submit(session, 1, done="x" * 3_000_000)
    source = page(site.engine, session, "html")
    (item,) = site.engine.evidence(site.store.read(session).artifacts[1]).values()
    assert item.stored is not None
    assert item.stored.sha256 in Page(source).text
    assert "2.9 MiB, of which a part is shown" in source
    assert len(source) < 60_000
