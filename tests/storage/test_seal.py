"""Changes by other hands are found at the next read, and only a person makes the files usable again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.domain.events import SealAccepted
from mcp_server.errors import ConfigurationError, CorruptStateError, NotFoundError
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.store import Store
from tests.storage.support import BEGIN, Site, at, begun, completing, fresh, parts, toggling, with_checksum

pytestmark = pytest.mark.integration


def edit_phase(site: Site) -> None:
    edited = with_checksum(
        site.head().read_bytes(), lambda raw: raw.replace(b'"current_phase": 1', b'"current_phase": 3')
    )
    site.head().write_bytes(edited)


def edit_by_hand(site: Site) -> None:
    site.head().write_bytes(site.head().read_bytes().replace(b'"current_phase": 1', b'"current_phase": 3'))


def swap_sessions(site: Site) -> None:
    for one, two in ((site.head("one"), site.head("two")), (site.log("one"), site.log("two"))):
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)


def truncate_log(site: Site) -> None:
    raw = site.log().read_bytes()
    site.log().write_bytes(raw[: raw.index(b"\n") + 1])


def remove_log(site: Site) -> None:
    site.log().unlink()


def link_log(site: Site) -> None:
    elsewhere = site.folder / "elsewhere"
    site.log().rename(elsewhere)
    site.log().symlink_to(elsewhere)


def link_head(site: Site) -> None:
    elsewhere = site.folder / "elsewhere"
    site.head().rename(elsewhere)
    site.head().symlink_to(elsewhere)


def restore_yesterday(site: Site) -> None:
    shutil.copy(site.folder / "yesterday.json", site.head())
    shutil.copy(site.folder / "yesterday.jsonl", site.log())


def another_at_the_same_version(site: Site) -> None:
    (site.anchor()).write_text('{"version":2,"seal":"%s"}' % ("0" * 64))


def break_anchor(site: Site) -> None:
    site.anchor().write_bytes(b"{")


def unseal(site: Site) -> None:
    raw = site.head().read_bytes()
    site.head().write_bytes(raw[: raw.index(b'"seal": ')] + b'"seal": "unsealed"\n}\n')


def change_store(site: Site) -> None:
    (site.root / "store.json").write_text('{"store": "%s"}' % ("0" * 32))


def remove_store_id(site: Site) -> None:
    (site.root / "store.json").unlink()


TAMPERING: dict[str, tuple[Callable[[Site], None], str]] = {
    "a phase edited, the checksum made right": (edit_phase, "tampered: its file was changed"),
    "a phase edited by hand": (edit_by_hand, "torn: its file is damaged"),
    "two sessions swapped": (swap_sessions, "tampered: its file holds another session"),
    "the log cut off": (truncate_log, "tampered: its log is shorter"),
    "the log removed": (remove_log, "tampered: its log is missing"),
    "the log a link": (link_log, "tampered: its log is not a file"),
    "the head a link": (link_head, "tampered: its file is not a file"),
    "yesterday's files put back": (restore_yesterday, "tampered: its file is an older one"),
    "another head of the same version": (another_at_the_same_version, "tampered: its file is an older one"),
    "the anchor broken": (break_anchor, "tampered: its anchor"),
    "the seal taken off": (unseal, "tampered: it is not sealed"),
    "the store's id changed": (change_store, "tampered: its file belongs to another store"),
    "the store's id removed": (remove_store_id, "tampered: its file belongs to another store"),
}


@pytest.fixture
def two_sessions(site: Site, store: Store) -> Site:
    begun(store)
    shutil.copy(site.head(), site.folder / "yesterday.json")
    shutil.copy(site.log(), site.folder / "yesterday.jsonl")
    store.update("one", toggling)
    begun(store, "two")
    return site


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
        with pytest.raises(CorruptStateError, match=finding):
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


@pytest.mark.parametrize("case", sorted(set(TAMPERING) - {"two sessions swapped", "the head a link", "the log a link"}))
def test_a_person_accepts_what_was_tampered_with(two_sessions: Site, case: str) -> None:
    tamper, finding = TAMPERING[case]
    site = two_sessions
    tamper(site)
    accepted = site.store().accept_seal("one", at=BEGIN, authenticated=True)
    store = site.store()
    assert store.read("one") == accepted
    event = store.events("one")[-1].event
    assert isinstance(event, SealAccepted)
    assert event.authenticated
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


def test_the_last_line_is_checked_before_one_is_added(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    site.log().write_bytes(site.log().read_bytes().replace(b"a pause", b"a lunch"))
    with pytest.raises(CorruptStateError, match="does not end where"):
        store.update("one", toggling)


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


def test_a_store_with_another_users_key_is_foreign_until_it_is_adopted(site: Site, store: Store) -> None:
    begun(store)
    begun(store, "two")
    store.delete("two", at=BEGIN, reason=None)
    other = UserFolders(site.folder / "other" / "config", site.folder / "other" / "data")
    adopted = Store(site.root, other)
    begun(adopted, "three")
    with pytest.raises(CorruptStateError, match="foreign"):
        adopted.read("one")
    assert [corrupt.session_id for corrupt in adopted.sessions().corrupt] == ["one"]
    listed = adopted.accept_all(at=BEGIN)
    assert [session.session_id for session in listed.sessions] == ["one", "two"]
    assert listed.corrupt == ()
    assert adopted.read("one").version == 2
    assert [session.session_id for session in adopted.sessions().sessions] == ["one", "three"]
    assert adopted.verify().ok
    with pytest.raises(CorruptStateError, match="foreign"):
        site.store().read("one")


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


def test_where_the_users_folder_cannot_be_written_sessions_go_on_unsealed_and_marked(site: Site) -> None:
    (site.folder / "file").write_bytes(b"")
    store = Store(site.root, UserFolders(site.folder / "file" / "config", site.folder / "file" / "data"))
    begun(store)
    assert store.update("one", toggling).session.version == 2
    assert site.head().read_bytes().endswith(b'"seal": "unsealed"\n}\n')
    assert [notice for notice in store.notices if "not sealed" in notice]
    assert store.verify().ok
    edit_by_hand(site)
    with pytest.raises(CorruptStateError, match="torn"):
        store.read("one")


def test_an_unsealed_session_is_not_believed_by_a_user_who_has_a_key(site: Site, store: Store) -> None:
    (site.folder / "file").write_bytes(b"")
    closed = Store(site.root, UserFolders(site.folder / "file" / "config", site.folder / "file" / "data"))
    begun(closed)
    assert store.read("one").version == 1
    begun(store, "two")
    with pytest.raises(CorruptStateError, match="not sealed, though it could have been"):
        store.read("one")
    assert [session.session_id for session in store.accept_all(at=BEGIN).sessions] == ["one"]
    assert store.verify().ok


def test_a_key_without_a_place_for_anchors_seals_and_says_what_is_missing(site: Site, store: Store) -> None:
    begun(store)
    (site.folder / "file").write_bytes(b"")
    half = Store(site.root, UserFolders(site.user.config, site.folder / "file" / "data"))
    assert half.update("one", toggling).session.version == 2
    assert [notice for notice in half.notices if "put back" in notice]
    assert store.read("one").version == 2


def test_a_damaged_key_is_for_a_person_to_mend(site: Site, store: Store) -> None:
    begun(store)
    (site.user.config / "seal-key.json").write_bytes(b"{}")
    with pytest.raises(ConfigurationError, match="key that seals"):
        site.store().read("one")


def test_one_key_is_made_however_many_ask_at_once(site: Site) -> None:
    stores = [site.store() for _ in range(4)]
    keys = [parts(store).guard.key_to_seal() for store in stores]
    assert keys[0] is not None
    assert {key and key.id for key in keys} == {keys[0].id}
    assert (site.user.config / "seal-key.json").stat().st_mode & 0o777 == 0o600


def test_moving_the_project_keeps_its_sessions_usable(site: Site, store: Store, tmp_path: Path) -> None:
    begun(store)
    site.root.rename(tmp_path / "moved")
    moved = Store(tmp_path / "moved", site.user)
    assert moved.update("one", completing()).session.version == 2
    assert moved.verify().ok


def test_the_start_of_a_session_in_the_trash_can_be_accepted_too(site: Site, store: Store) -> None:
    store.delete("one", at=at(begun(store)), reason=None)
    raw = site.head(place="trash").read_bytes()
    site.head(place="trash").write_bytes(raw.replace(b"src/app.py", b"src/api.py"))
    assert [corrupt.session_id for corrupt in store.verify().corrupt] == ["one"]
    assert store.accept_seal("one", at=BEGIN).target_file == "src/api.py"
    assert store.verify().ok
