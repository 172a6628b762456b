"""The audit log: every beginning and end, once, and nobody else's hand in it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, BLOBS, Site, at, begun, fresh, parts, started, toggling

pytestmark = pytest.mark.integration


def lines(site: Site) -> list[tuple[str, str, int, str | None]]:
    parsed = map(json.loads, (site.root / "audit.jsonl").read_text().splitlines())
    return [(line["kind"], line["session_id"], line["version"], line["reason"]) for line in parsed]


def test_beginnings_and_ends_are_written_with_their_reasons_and_nothing_else(site: Site, store: Store) -> None:
    session = begun(store)
    store.update("one", toggling)
    store.delete("one", at=at(session), reason="no longer needed")
    store.undelete("one", at=at(session))
    assert lines(site) == [
        ("started", "one", 1, None),
        ("deleted", "one", 3, "no longer needed"),
        ("undeleted", "one", 4, None),
    ]


def test_a_repeated_call_adds_the_line_that_a_crash_left_out_and_no_second_one(site: Site, store: Store) -> None:
    start, end = fresh(), fresh()
    for _ in range(2):
        store.create(started(), request=start, blobs=BLOBS)
    assert lines(site) == [("started", "one", 1, None)]
    store.delete("one", at=BEGIN, reason="why", request=end)
    cut(site, 1)
    for _ in range(2):
        store.delete("one", at=BEGIN, reason="why", request=end)
    assert lines(site) == [("started", "one", 1, None), ("deleted", "one", 2, "why")]


def cut(site: Site, kept: int) -> None:
    """Take lines off as a crash would have left them out, and the anchor that came after them."""
    path = site.root / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    next(site.user.data.glob("stores/*/audit.json")).unlink()


def test_verifying_adds_the_lines_that_a_crash_left_out(site: Site, store: Store) -> None:
    begun(store)
    store.delete("one", at=BEGIN, reason="why")
    begun(store, "two")
    cut(site, 1)
    report = store.verify()
    assert (report.sessions, report.ok, report.repaired) == (2, True, 2)
    assert sorted(lines(site)) == [
        ("deleted", "one", 2, "why"),
        ("started", "one", 1, None),
        ("started", "two", 1, None),
    ]
    assert store.verify().repaired == 0


def test_half_a_line_of_a_writer_that_died_is_dropped(site: Site, store: Store) -> None:
    begun(store)
    with (site.root / "audit.jsonl").open("ab") as audit:
        audit.write(b'{"kind": "star')
    assert store.verify().ok
    begun(store, "two")
    assert [line[1] for line in lines(site)] == ["one", "two"]
    assert store.verify().ok


def remove_a_line(raw: bytes) -> bytes:
    return raw[raw.index(b"\n") + 1 :]


def change_a_line(raw: bytes) -> bytes:
    return raw.replace(b'"one"', b'"own"', 1)


def garble_a_line(raw: bytes) -> bytes:
    return b"x" + raw[1:]


def garble_the_end(raw: bytes) -> bytes:
    return raw[:-20]


@pytest.mark.parametrize("tamper", [remove_a_line, change_a_line, garble_a_line, garble_the_end])
def test_a_changed_audit_log_is_found_kept_and_accepted(
    site: Site, store: Store, tamper: Callable[[bytes], bytes]
) -> None:
    for session_id in ("one", "two", "three"):
        begun(store, session_id)
    path = site.root / "audit.jsonl"
    tampered = tamper(path.read_bytes())
    path.write_bytes(tampered)
    assert "audit log" in store.verify().store[0]
    begun(store, "four")
    assert path.read_bytes().startswith(tampered)
    assert not store.verify().ok
    store.accept_all(at=BEGIN)
    assert store.verify().ok
    assert [quarantined.name for quarantined in (site.root / "quarantine").glob("audit.*")]


def test_a_broken_anchor_of_the_audit_log_is_found(site: Site, store: Store) -> None:
    begun(store)
    next(site.user.data.glob("stores/*/audit.json")).write_bytes(b"")
    assert "anchor" in store.verify().store[0]
    begun(store, "two")
    assert not store.verify().ok
    store.accept_all(at=BEGIN)
    assert store.verify().ok


def test_a_missing_audit_log_is_found_and_accepted(site: Site, store: Store) -> None:
    begun(store)
    (site.root / "audit.jsonl").unlink()
    assert not store.verify().ok
    store.accept_all(at=BEGIN)
    report = store.verify()
    assert (report.ok, report.repaired) == (True, 1)
    assert lines(site) == [("started", "one", 1, None)]


@pytest.mark.parametrize("torn", [b'{"kind":"deleted","ses', b"\0" * 40, b"\0" * 40 + b'"prev":"0"}\n'])
def test_what_a_loss_of_power_left_of_a_line_is_cut_off_by_the_next_one(site: Site, store: Store, torn: bytes) -> None:
    begun(store)
    with (site.root / "audit.jsonl").open("ab") as log:
        log.write(torn)
    assert [line.kind for line in parts(store).audit.read()] == ["started"]
    store.delete("one", at=BEGIN, reason=None)
    assert [line.kind for line in parts(store).audit.read()] == ["started", "deleted"]
    assert store.verify().ok


@pytest.mark.parametrize("later", [{"kind": "of tomorrow"}, {"mood": "calm"}])
def test_what_a_newer_program_wrote_is_named_as_that_and_kept_when_the_log_is_accepted(
    site: Site, store: Store, later: dict[str, str]
) -> None:
    begun(store)
    path = site.root / "audit.jsonl"
    line = json.loads(path.read_bytes())
    path.write_bytes(path.read_bytes() + json.dumps({**line, **later, "prev": "0" * 64}).encode() + b"\n")
    assert store.verify().store == (
        "newer: line 2 of the audit log is of a kind that this version of pos-workflow does not know",
    )
    store.accept_all(at=BEGIN)
    first, second = (json.loads(one) for one in path.read_bytes().splitlines())
    assert first == line
    assert second == {**line, **later, "prev": second["prev"]}
    assert store.verify().store == (
        "newer: line 2 of the audit log is of a kind that this version of pos-workflow does not know",
    )


def test_a_line_of_a_kind_that_a_newer_program_wrote_is_not_taken_for_a_torn_one(site: Site, store: Store) -> None:
    begun(store)
    with (site.root / "audit.jsonl").open("ab") as log:
        log.write(b'{"kind":"of tomorrow"}\n')
    store.delete("one", at=BEGIN, reason=None)
    assert b'{"kind":"of tomorrow"}\n' in (site.root / "audit.jsonl").read_bytes()
