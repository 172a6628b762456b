"""Only a person makes files usable again that other hands have changed, and it is on record."""

from __future__ import annotations

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.domain.events import SealAccepted
from mcp_server.errors import CorruptStateError, NotFoundError
from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, Site, at, begun, fresh, toggling, with_checksum
from tests.storage.tampering import TAMPERING, edit_by_hand

pytestmark = pytest.mark.integration


OPERATOR = Authority(authenticated=True, operator="5eed", operator_since=BEGIN)
NOT_ONE = {"two sessions swapped", "the head a link", "the log a link", "the store's id removed"}


@pytest.mark.parametrize("case", sorted(set(TAMPERING) - NOT_ONE))
def test_a_person_accepts_what_was_tampered_with(two_sessions: Site, case: str) -> None:
    tamper, finding = TAMPERING[case]
    site = two_sessions
    tamper(site)
    accepted = site.store().accept_seal("one", at=BEGIN, authority=OPERATOR)
    store = site.store()
    assert store.read("one") == accepted
    event = store.events("one")[-1].event
    assert isinstance(event, SealAccepted)
    assert event.authority == OPERATOR
    assert finding in event.finding
    assert accepted.version >= 3
    assert store.update("one", toggling).session.version == accepted.version + 1
    if not case.startswith("the store's"):
        assert store.verify().ok
        audit = (site.root / "audit.jsonl").read_text()
        assert audit.count('"seal_accepted"') == 1


def test_a_half_moved_session_keeps_its_history_when_it_is_accepted(site: Site, store: Store) -> None:
    store.delete("one", at=at(begun(store)), reason=None)
    site.head(place="trash").rename(site.head())
    edit_by_hand(site)
    assert [corrupt.session_id for corrupt in store.sessions().corrupt] == ["one"]
    with pytest.raises(NotFoundError, match="was deleted"):
        store.read(store.accept_seal("one", at=BEGIN).session_id)
    store.undelete("one", at=BEGIN)
    assert [record.event.type for record in store.events("one")] == [
        "session_started",
        "session_deleted",
        "seal_accepted",
        "session_undeleted",
    ]


@pytest.mark.parametrize("case", ["two sessions swapped", "the head a link", "the log a link"])
def test_what_is_not_this_session_is_not_accepted(two_sessions: Site, case: str) -> None:
    TAMPERING[case][0](two_sessions)
    before = two_sessions.head().read_bytes()
    with pytest.raises(CorruptStateError):
        two_sessions.store().accept_seal("one", at=BEGIN)
    assert two_sessions.head().read_bytes() == before
    listed = two_sessions.store().accept_all(at=BEGIN)
    assert "one" in [corrupt.session_id for corrupt in listed.corrupt]


def test_accepting_what_can_be_trusted_changes_nothing(site: Site, store: Store) -> None:
    session = begun(store)
    before = site.contents()
    assert store.accept_seal("one", at=BEGIN) == session
    assert site.contents() == before
    with pytest.raises(NotFoundError):
        store.accept_seal("two", at=BEGIN)


def test_an_edited_line_in_the_log_is_found_and_can_be_accepted(site: Site, store: Store) -> None:
    begun(store)
    request = fresh()
    store.update("one", toggling, request=request)
    store.update("one", toggling)
    original = site.log().read_bytes()
    site.log().write_bytes(original.replace(b"a pause", b"a lunch"))
    for call in (lambda: store.events("one"), lambda: store.update("one", toggling, request=request)):
        with pytest.raises(CorruptStateError, match="event 3 of its log"):
            call()
    assert not store.verify("one").ok
    accepted = store.accept_seal("one", at=BEGIN)
    assert store.verify().ok
    assert [record.seq for record in store.events("one")] == [1, 2, 3, 4]
    assert store.read("one") == accepted
    assert store.update("one", toggling, request=request).seq == 2
    assert [path.read_bytes() for path in (site.root / "quarantine").iterdir()] != []


def test_a_line_that_is_no_event_is_left_out_when_the_log_is_accepted(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    lines = site.log().read_bytes().splitlines(keepends=True)
    site.log().write_bytes(b"x" * (len(lines[0]) - 1) + b"\n" + lines[1])
    with pytest.raises(CorruptStateError, match="event 1"):
        store.events("one")
    store.accept_seal("one", at=BEGIN)
    assert [record.event.type for record in store.events("one")] == ["paused", "seal_accepted"]
    assert store.verify("one").ok


def test_a_file_that_does_not_parse_cannot_be_accepted(site: Site, store: Store) -> None:
    begun(store)
    for raw in (b"", b"{", b"[]", b'{"schema_version": 1}'):
        site.head().write_bytes(raw)
        with pytest.raises(CorruptStateError, match="torn"):
            store.accept_seal("one", at=BEGIN)
        assert site.head().read_bytes() == raw


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"current_phase": 1', b'"current_phase": 9'),
        (b'"current_phase": 1', b'"current_phase": 2'),
        (b'"gate": "open"', b'"gate": null'),
        (b'"session_status": "active"', b'"session_status": "asleep"'),
    ],
)
def test_what_cannot_be_a_session_is_not_accepted(site: Site, store: Store, old: bytes, new: bytes) -> None:
    begun(store)
    site.head().write_bytes(with_checksum(site.head().read_bytes(), lambda raw: raw.replace(old, new)))
    before = site.contents()
    with pytest.raises(CorruptStateError, match="torn"):
        store.accept_seal("one", at=BEGIN)
    assert site.contents() == before


def test_a_store_that_nobody_used_has_nothing_to_adopt(site: Site, store: Store) -> None:
    assert store.accept_all(at=BEGIN).sessions == ()
    assert list(site.folder.iterdir()) == []


def test_a_session_whose_files_were_removed_is_found_and_taken_for_deleted_when_accepted(
    site: Site, store: Store
) -> None:
    begun(store)
    begun(store, "two")
    site.head().unlink()
    site.log().unlink()
    with pytest.raises(NotFoundError, match="are gone, though it was never deleted"):
        store.read("one")
    report = store.verify()
    assert [(corrupt.session_id, corrupt.finding) for corrupt in report.corrupt] == [
        ("one", "tampered: its files are gone, though it was never deleted")
    ]
    store.accept_all(at=BEGIN)
    assert store.verify().ok
    with pytest.raises(NotFoundError, match="was deleted"):
        store.read("one")


def test_a_broken_anchor_of_files_that_are_gone_is_found_and_accepted(site: Site, store: Store) -> None:
    begun(store)
    begun(store, "two")
    site.head().unlink()
    site.anchor().write_bytes(b"")
    assert [corrupt.session_id for corrupt in store.verify().corrupt] == ["one"]
    store.accept_all(at=BEGIN)
    assert store.verify().ok


def test_the_start_of_a_session_in_the_trash_can_be_accepted_too(site: Site, store: Store) -> None:
    store.delete("one", at=at(begun(store)), reason=None)
    raw = site.head(place="trash").read_bytes()
    site.head(place="trash").write_bytes(raw.replace(b"src/app.py", b"src/api.py"))
    assert [corrupt.session_id for corrupt in store.verify().corrupt] == ["one"]
    assert store.accept_seal("one", at=BEGIN).target_file == "src/api.py"
    assert store.verify().ok


def test_a_person_is_told_what_was_changed_and_what_rules_it_out(site: Site, store: Store) -> None:
    begun(store)
    raw = site.head().read_bytes()
    assert store.compare("one").differences == ()
    site.head().write_bytes(raw.replace(b"src/app.py", b"src/api.py"))
    compared = store.compare("one")
    assert compared.differences == ("target_file: the log says src/app.py, the file says src/api.py",)
    assert compared.refused is None
    site.head().write_bytes(raw.replace(b'"current_phase": 1', b'"current_phase": 2'))
    compared = store.compare("one")
    assert compared.differences == ("current_phase: the log says 1, the file says 2",)
    assert compared.refused is not None
    assert "phase 1 is not completed" in compared.refused.message
    site.head().write_bytes(b"{")
    torn = store.compare("one")
    assert (torn.differences, torn.refused is not None) == ((), True)


def test_the_log_tells_what_was_changed_as_far_as_it_can(two_sessions: Site) -> None:
    site = two_sessions
    store = site.store()
    log = site.log().read_bytes()
    committed = site.head().read_bytes()
    store.update("one", toggling)
    site.anchor().unlink()
    site.head().write_bytes(committed.replace(b"src/app.py", b"src/api.py"))
    only = ("target_file: the log says src/app.py, the file says src/api.py",)
    assert store.compare("one").differences == only, "an event that was never committed is no change"
    site.log().write_bytes(log + b"half a line")
    assert store.compare("one").differences == only
    site.log().write_bytes(log.replace(b"src/app.py", b"src/api.py", 1))
    (unknown,) = store.compare("one").differences
    assert "the log cannot tell what was changed" in unknown


def test_an_older_file_that_its_older_log_agrees_with_is_told_by_its_anchor(two_sessions: Site) -> None:
    TAMPERING["yesterday's files put back"][0](two_sessions)
    assert two_sessions.store().compare("one").differences == (
        "the session was at version 2 once; its log ends at version 1",
    )
