"""Long replies come in pages that lose nothing and repeat nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.actions.paging import Pager, clipped, decode_cursor, encode_cursor, first, size
from mcp_server.errors import InvalidArgumentError

pytestmark = pytest.mark.unit

BUDGET = 200


def read_all(text: str, items: list[str], more: str) -> tuple[str, list[str], str]:
    cursor, got_text, got_items, got_more = None, "", list[str](), ""
    for _ in range(10_000):
        pager = Pager("stream", cursor, BUDGET)
        got_text += pager.text(text)
        page = pager.items(items)
        got_items += page
        got_more += pager.text(more)
        cursor = pager.next_cursor
        if cursor is None:
            return got_text, got_items, got_more
    raise AssertionError("the pages never end")


@given(st.text(max_size=900), st.lists(st.text(max_size=60), max_size=20), st.text(max_size=500))
def test_all_pages_together_are_the_whole(text: str, items: list[str], more: str) -> None:
    assert read_all(text, items, more) == (text, items, more)


@given(st.text(max_size=900))
def test_no_page_of_text_is_over_its_budget(text: str) -> None:
    assert size(Pager("stream", None, BUDGET).text(text)) <= BUDGET + 2


def test_what_fits_is_one_page() -> None:
    pager = Pager("stream")
    assert pager.text("short") == "short"
    assert pager.items(["a", "b"]) == ["a", "b"]
    assert pager.next_cursor is None


def test_an_item_larger_than_a_page_has_a_page_of_its_own() -> None:
    large = "x" * 1000
    assert read_all("", ["a", large, "b"], "") == ("", ["a", large, "b"], "")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "=", "née", encode_cursor("stream"), encode_cursor("other", 3), encode_cursor("stream", -1), "W10" * 300],
)
def test_a_cursor_of_another_call_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cursor"):
        Pager("stream", cursor)


def test_a_cursor_carries_its_parts() -> None:
    assert decode_cursor(encode_cursor("2026", "id"), str, str) == ["2026", "id"]


@given(st.text(max_size=300), st.integers(min_value=8, max_value=200))
def test_a_clipped_text_is_its_beginning_and_fits(text: str, limit: int) -> None:
    shown = clipped(text, limit)
    assert size(shown) <= limit
    assert shown == text or (shown.endswith(" …") and text.startswith(shown.removesuffix(" …")))
    assert (shown == text) == (size(text) <= limit)


@given(st.lists(st.text(max_size=20), max_size=30), st.integers(min_value=0, max_value=200))
def test_the_first_entries_fit_and_the_others_are_counted(entries: list[str], limit: int) -> None:
    shown = first(entries, limit)
    if shown != entries:
        *kept, note = shown
        assert kept == entries[: len(kept)]
        assert note == f"and {len(entries) - len(kept)} more"
        assert sum(size(entry) + 1 for entry in kept) <= limit
