"""What the salvage does to damaged sessions, and what it leaves: nothing is believed that is not proven."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.errors import BusyError, NotFoundError, StorageError
from mcp_server.storage.backup import Backups
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.judging import Verdict
from mcp_server.storage.layout import sha256
from mcp_server.storage.restore import opened_restore
from mcp_server.storage.salvage import Salvage
from mcp_server.storage.store import Store
from mcp_server.storage.values import pack
from tests.storage.proof.seams import Fault, Faulty
from tests.storage.support import BEGIN, DEFINITION, Site, begun, completing, fresh, parts, refusing, toggling
from tests.storage.tampering import TAMPERING, edit_by_hand, link_head, remove_log, truncate_log

pytestmark = pytest.mark.integration

EVIDENCE, EVIDENCE_BLOBS = pack({"report": "x" * 3000})
FATES = {
    "a target edited, the checksum made right": "rebuild",
    "a target edited by hand": "rebuild",
    "two sessions swapped": "quarantine",
    "the log cut off": "leave",
    "the log removed": "leave",
    "the log a link": "leave",
    "the head a link": "leave",
    "yesterday's files put back": "quarantine",
    "another head of the same version": "quarantine",
    "the anchor broken": "leave",
    "the seal taken off": "rebuild",
    "the store's id changed": "leave",
    "the store's id removed": "leave",
}


def salvage(site: Site) -> Salvage:
    return Salvage(site.store().parts)


def fix(site: Site, session_id: str = "one") -> Verdict:
    """Mend the store; what was said of one session."""
    return next(one for one in salvage(site).run(BEGIN) if one.session_id == session_id)


def cut(site: Site) -> None:
    site.head().write_bytes(site.head().read_bytes()[:-40])


def test_every_kind_of_tampering_has_a_fate() -> None:
    assert set(FATES) == set(TAMPERING)


@pytest.mark.parametrize("case", FATES)
def test_what_is_found_is_rebuilt_put_aside_or_left_and_nothing_but_the_proven_is_used(
    two_sessions: Site, case: str
) -> None:
    site = two_sessions
    true_head, true_log = site.head().read_bytes(), site.log().read_bytes()
    TAMPERING[case][0](site)
    before = site.contents()
    verdict = salvage(site).explain("one")
    assert verdict is not None
    assert verdict.does == FATES[case]
    planned = [one for one in salvage(site).plan() if one.session_id == "one"]
    assert planned == [verdict]
    assert site.contents() == before
    if case == "the store's id removed":
        return
    assert fix(site) == verdict
    if verdict.does == "rebuild":
        assert (site.head().read_bytes(), site.log().read_bytes()) == (true_head, true_log)
        assert site.store().verify().ok
    elif verdict.does == "quarantine":
        assert not site.head().exists()
        assert not site.log().exists()
        with pytest.raises(NotFoundError, match="gone"):
            site.store().read("one")
        assert "one" in [one.session_id for one in site.store().sessions().corrupt]
    else:
        assert site.contents() == before
        assert verdict.remedy


def test_a_session_that_is_sound_is_left_alone(two_sessions: Site) -> None:
    before = two_sessions.contents()
    assert salvage(two_sessions).explain("one") is None
    assert salvage(two_sessions).plan() == ()
    assert salvage(two_sessions).run(BEGIN) == ()
    after = two_sessions.contents()
    assert {name: content for name, content in after.items() if "/locks/" not in name} == {
        name: content for name, content in before.items() if "/locks/" not in name
    }


def test_where_there_is_no_store_nothing_is_made(site: Site) -> None:
    assert salvage(site).plan() == ()
    assert salvage(site).run(BEGIN) == ()
    assert site.contents() == {}


def test_a_rebuilt_session_goes_on_and_remembers_its_requests(site: Site, store: Store) -> None:
    begun(store)
    request = fresh()
    refused = store.update("one", refusing(EVIDENCE), request=request, blobs=EVIDENCE_BLOBS)
    for _ in range(3):
        store.update("one", toggling, request=fresh())
    raw = site.head().read_bytes()
    cut(site)
    verdict = fix(site)
    assert "byte for byte" in verdict.says
    assert "version 5, paused, phase 1" in verdict.says
    assert site.head().read_bytes() == raw
    again = site.store().update("one", refusing(EVIDENCE), request=request)
    assert (again.session, again.replayed) == (refused.session, True)
    assert site.store().update("one", toggling).session.version == 6
    (line,) = [line for line in parts(store).audit.read() if line.kind == "rebuilt"]
    assert (line.session_id, line.version) == ("one", 5)
    assert line.reason is not None
    assert line.reason.startswith("torn: ")


def test_the_damaged_file_is_kept(site: Site, store: Store) -> None:
    begun(store)
    cut(site)
    damaged = site.head().read_bytes()
    fix(site)
    kept = site.root / "quarantine" / f"one.json.{sha256(damaged)[:16]}"
    assert kept.read_bytes() == damaged


def test_a_file_that_is_gone_is_rebuilt_from_its_log(site: Site, store: Store) -> None:
    begun(store)
    raw = site.head().read_bytes()
    site.head().unlink()
    assert fix(site).does == "rebuild"
    assert site.head().read_bytes() == raw


def test_a_deleted_session_is_rebuilt_in_the_trash(site: Site, store: Store) -> None:
    begun(store)
    store.delete("one", at=BEGIN, reason=None)
    head = site.head(place="trash")
    raw = head.read_bytes()
    head.write_bytes(raw[:-40])
    assert fix(site).does == "rebuild"
    assert head.read_bytes() == raw
    assert site.store().undelete("one", at=BEGIN).session_id == "one"


def test_half_a_line_behind_the_log_is_no_hindrance_a_whole_one_is(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    longer = site.log().read_bytes()
    anchor = site.anchor().read_bytes()
    site.log().write_bytes(longer + b'{"half')
    cut(site)
    assert fix(site).does == "rebuild"
    # What a writer leaves that dies before its head is in place.
    store.update("one", toggling)
    site.anchor().write_bytes(anchor)
    cut(site)
    verdict = fix(site)
    assert verdict.does == "quarantine"
    assert "goes on to version 3" in verdict.says


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda raw: raw[: raw.index(b"\n") + 1], "ends at version 1, and it was at version 2"),
    "edited at its end": (lambda raw: raw.replace(b"a pause", b"a lunch"), "makes another file than the one"),
    "empty": (lambda raw: raw[:0], "its log is empty"),
    "broken at its beginning": (
        lambda raw: raw.replace(b'"started', b'"strarted').replace(b"session_", b"sassion_"),
        "event 1 of its log is not the one",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_a_damaged_log_makes_is_not_believed(site: Site, store: Store, case: str) -> None:
    damage, why = DAMAGE[case]
    begun(store)
    store.update("one", toggling)
    site.log().write_bytes(damage(site.log().read_bytes()))
    cut(site)
    head, log = site.head().read_bytes(), site.log().read_bytes()
    verdict = fix(site)
    assert verdict.does == "quarantine"
    assert why in verdict.says
    kept = {path.name.rpartition(".")[0]: path.read_bytes() for path in (site.root / "quarantine").glob("one.json*")}
    assert (kept["one.json"], kept["one.jsonl"]) == (head, log)
    (line,) = [line for line in parts(store).audit.read() if line.kind == "quarantined"]
    assert why in (line.reason or "")


def test_what_is_in_quarantine_is_told_until_it_is_restored(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    archive = site.folder / "backup.zip"
    Backups(store.parts).make(archive, at=BEGIN)
    truncate_log(site)
    cut(site)
    fix(site)
    again = fix(site)
    assert again.does == "leave"
    assert "in quarantine since 2026-03-01" in again.says
    assert "restore" in again.remedy
    with opened_restore(site.store().parts, archive) as restore:
        restore.run(at=BEGIN, authority=Authority())
    assert salvage(site).run(BEGIN) == ()
    assert site.store().read("one").version > 2
    assert [line.kind for line in parts(store).audit.read()].count("quarantined") == 1


def test_an_id_in_quarantine_is_not_used_again(site: Site, store: Store) -> None:
    request = fresh()
    begun(store, request=request)
    site.log().write_bytes(b"")
    cut(site)
    fix(site)
    with pytest.raises(NotFoundError, match="gone"):
        begun(site.store(), "two", request=request)
    with pytest.raises(Exception, match="is taken"):
        begun(site.store())


def test_nothing_is_moved_of_which_no_anchor_would_tell(site: Site, store: Store) -> None:
    begun(store)
    site.anchor().unlink()
    cut(site)
    verdict = fix(site)
    assert verdict.does == "leave"
    assert "nothing outside the project" in verdict.says
    assert site.head().exists()


def test_without_the_user_folder_it_was_written_with_nothing_is_moved(two_sessions: Site) -> None:
    site = two_sessions
    shutil.rmtree(site.folder / "user")
    cut(site)
    assert {one.does for one in salvage(site).run(BEGIN)} == {"leave"}
    assert site.head().exists()


@pytest.mark.parametrize("stolen", ["the definition", "evidence"])
def test_lost_values_are_named(site: Site, store: Store, stolen: str) -> None:
    begun(store)
    store.update("one", completing(EVIDENCE), blobs=EVIDENCE_BLOBS)
    digest = sha256(DEFINITION) if stolen == "the definition" else next(iter(EVIDENCE_BLOBS))
    (site.root / "blobs" / digest[:2] / digest).unlink()
    verdict = fix(site)
    assert verdict.does == "leave"
    said = {"the definition": "the definition", "evidence": "what event 2 rests on (phase_completed, phase 1)"}[stolen]
    assert f"lost is {said}" in verdict.says
    assert "version 2, active, phase 2" in verdict.says


def test_how_much_of_a_log_can_be_read_is_told(site: Site, store: Store) -> None:
    begun(store)
    store.update("one", toggling)
    raw = site.log().read_bytes()
    site.log().write_bytes(raw.replace(b'"paused"', b'"pausee"'))
    verdict = fix(site)
    assert verdict.does == "leave"
    assert "of its log 1 of 2 events can be read" in verdict.says
    remove_log(site)
    assert "0 of 2" in fix(site).says


def test_of_a_session_of_which_nothing_is_left_that_much_is_told(site: Site, store: Store) -> None:
    begun(store)
    site.head().unlink()
    site.log().unlink()
    verdict = fix(site)
    assert (verdict.does, verdict.says) == ("leave", "nothing is left of it; it was at version 1")


def test_what_another_damage_leaves_after_a_rebuilding_is_told_too(site: Site, store: Store) -> None:
    begun(store)
    cut(site)
    digest = sha256(DEFINITION)
    (site.root / "blobs" / digest[:2] / digest).unlink()
    assert [one.does for one in salvage(site).run(BEGIN)] == ["rebuild", "leave"]


def test_one_that_is_held_is_not_touched(site: Site, store: Store) -> None:
    begun(store)
    edit_by_hand(site)
    with parts(store).locks.hold_all(), pytest.raises(BusyError):
        Salvage(site.store(lock_timeout=0).parts).run(BEGIN)


def test_a_failure_after_a_first_session_was_mended_is_of_unknown_outcome(two_sessions: Site) -> None:
    site = two_sessions
    site.save("damaged")
    told: set[object] = set()
    for number in range(0, 1000, 7):
        for session_id in ("one", "two"):
            site.head(session_id).write_bytes(site.head(session_id).read_bytes()[:-40])
        fs = Faulty(FileSystem(), number, Fault(errno.EIO, for_good=True))
        try:
            Salvage(site.store(fs=fs).parts).run(BEGIN)
        except StorageError as error:
            if _sound(site, "one") and not _sound(site, "two"):
                told.add(error.facts["outcome"])
        else:
            break
        site.restore("damaged")
    assert told == {"unknown"}


def _sound(site: Site, session_id: str) -> bool:
    return salvage(site).explain(session_id) is None


def test_a_link_is_left(site: Site, store: Store) -> None:
    begun(store)
    link_head(site)
    assert fix(site).remedy.startswith("Put its file back")
    assert site.head().is_symlink()
