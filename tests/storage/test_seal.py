"""Changes by other hands are found at the next read, and the files are left as they are."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mcp_server.errors import CorruptStateError
from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, Site, begun, toggling
from tests.storage.tampering import TAMPERING

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("case", TAMPERING)
def test_tampering_is_found_at_the_next_read_and_left_as_it_is(two_sessions: Site, case: str) -> None:
    tamper, finding = TAMPERING[case]
    site = two_sessions
    tamper(site)
    before = site.contents()
    store = site.store()
    calls: list[Callable[[], object]] = [
        lambda: store.read("one"),
        lambda: store.events("one"),
        lambda: store.update("one", toggling, blobs={"a" * 64: b""}),
        lambda: store.delete("one", at=BEGIN, reason=None),
    ]
    for call in calls:
        with pytest.raises(CorruptStateError, match=re.escape(finding)):
            call()
    listed = store.sessions()
    assert listed.corrupt[0].session_id == "one"
    assert finding in listed.corrupt[0].finding
    report = store.verify()
    assert not report.ok
    assert report.corrupt[0].session_id == "one"
    assert {path: raw for path, raw in site.contents().items() if "locks/" not in path} == {
        path: raw for path, raw in before.items() if "locks/" not in path
    }


def test_the_last_line_is_checked_before_one_is_added(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    site.log().write_bytes(site.log().read_bytes().replace(b"a pause", b"a lunch"))
    with pytest.raises(CorruptStateError, match="does not end where"):
        store.update("one", toggling)


def test_an_anchor_behind_the_head_is_what_a_crash_leaves_and_is_put_right(site: Site, store: Store) -> None:
    begun(store)
    behind = site.anchor().read_bytes()
    anchor = site.anchor()
    store.update("one", toggling)
    anchor.write_bytes(behind)
    assert site.store().read("one").version == 2
    store.update("one", toggling)
    assert b'"version":3' in anchor.read_bytes()
    anchor.unlink()
    assert site.store().read("one").version == 3
