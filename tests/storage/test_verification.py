"""Verifying looks at what a single read has no time for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.domain.events import Event, Repinned, SessionDeleted
from mcp_server.domain.results import Checked, Decision
from mcp_server.domain.session import Evidence, Session, Stored
from mcp_server.errors import CorruptStateError
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.head import encode
from mcp_server.storage.layout import sha256
from mcp_server.storage.locks import stripe_of
from mcp_server.storage.log import NOTHING, Record, fold, line_after, read_log
from mcp_server.storage.store import Store
from mcp_server.storage.values import pack
from tests.storage.support import (
    BEGIN,
    BLOBS,
    DEFINITION,
    Site,
    at,
    begun,
    completing,
    fresh,
    parts,
    refusing,
    started,
    toggling,
)
from tests.storage.tampering import edit_target

pytestmark = pytest.mark.integration


def kept(content: bytes) -> Stored:
    return Stored(sha256=sha256(content), bytes=len(content))


def blob_path(site: Site, digest: str) -> Path:
    return site.root / "blobs" / digest[:2] / digest


def test_every_blob_that_anything_names_must_be_there_and_right(site: Site, store: Store) -> None:
    option, options = pack({"plan": "o" * 2000})
    draft, drafts = pack({"report": "d" * 2000})
    accepted, artifacts = pack({f"value_{n:02}": f"{n:02}" * 500 for n in range(30)} | {"large": "l" * 2000})
    assert accepted.stored is not None
    store.create(started(options=option), blobs={**BLOBS, **options})
    store.update("one", refusing(draft), blobs=drafts)
    store.update("one", completing(accepted), blobs=artifacts)
    assert store.verify().ok
    for digest in {*BLOBS, *options, *drafts, *artifacts}:
        path = blob_path(site, digest)
        content = path.read_bytes()
        path.unlink()
        assert [corrupt.session_id for corrupt in store.verify("one").corrupt] == ["one"]
        path.write_bytes(content[:-1])
        assert not store.verify().ok
        path.write_bytes(content)
        assert store.verify().ok


def test_what_a_check_printed_and_what_was_protected_must_be_there_and_right_too(site: Site, store: Store) -> None:
    results, baseline, other = b'[{"id":"tests","status":"failed"}]', b'{"tests/a.py":"x"}', b"another definition"
    store.create(started(baseline=kept(baseline)), blobs={**BLOBS, sha256(baseline): baseline})

    def refused(session: Session) -> Event:
        return refusing()(session).model_copy(update={"checked": Checked(details=kept(results))})

    def repinned(session: Session) -> Event:
        definition = session.definition.model_copy(update={"digest": sha256(other)})
        decision = Decision(at=at(session), authority=Authority())
        return Repinned(at=at(session), definition=definition, phases=session.phases, decision=decision)

    store.update("one", refused, blobs={sha256(results): results})
    store.update("one", repinned, blobs={sha256(other): other})
    assert store.verify("one").ok
    for content in (results, baseline, other, DEFINITION):
        blob_path(site, sha256(content)).write_bytes(b"forged")
        assert [one.finding for one in store.verify("one").corrupt] == [
            "tampered: stored content that it names is not what was stored"
        ]
        blob_path(site, sha256(content)).write_bytes(content)


def test_a_whole_session_comes_with_what_can_be_held_against_its_files(site: Site, store: Store) -> None:
    begun(store)
    session = store.update("one", toggling).session
    whole = store.whole("one")
    log = site.log().read_bytes()
    assert (whole.session, [record.seq for record in whole.records]) == (session, [1, 2])
    assert (whole.log.length, whole.log.hash) == (len(log), sha256(log.splitlines(keepends=True)[-1]))
    assert whole.head == sha256(site.head().read_bytes())
    assert whole.key_id is not None
    assert (whole.anchored, whole.accepted) == (True, 0)


def test_of_a_whole_session_it_is_known_up_to_where_a_person_accepted_it(site: Site, store: Store) -> None:
    begun(store)
    edit_target(site)
    with pytest.raises(CorruptStateError, match="tampered"):
        store.whole("one")
    store.accept_seal("one", at=BEGIN)
    assert store.whole("one").accepted == 2


def test_stored_evidence_that_does_not_parse_is_found(store: Store) -> None:
    begun(store)
    nonsense = b"[]"
    evidence = Evidence(stored=Stored(sha256=sha256(nonsense), bytes=2))
    store.update("one", refusing(evidence), blobs={sha256(nonsense): nonsense})
    assert [corrupt.finding for corrupt in store.verify().corrupt] == ["torn: stored evidence does not parse"]


def test_a_log_that_tells_another_story_than_the_head_is_found(site: Site, store: Store) -> None:
    session = begun(store)
    inner = parts(store)
    with inner.locked("one") as outcome:
        found = inner.find("one")
        assert found is not None
        forged = session.model_copy(update={"target_file": "src/other.py", "version": 2})
        inner.pages.commit(
            found.place, found.page, forged, toggling(session), None, key=inner.guard.key_to_seal(), outcome=outcome
        )
    assert store.read("one") == forged
    assert [corrupt.finding for corrupt in store.verify("one").corrupt] == [
        "tampered: the events in its log make another session than its file shows"
    ]
    accepted = store.accept_seal("one", at=BEGIN)
    assert (accepted.target_file, store.verify("one").ok) == ("src/other.py", True)


def test_events_that_cannot_follow_from_each_other_make_no_session() -> None:
    first = Record(seq=1, event=started(), prev="")
    deleted = Record(seq=2, event=SessionDeleted(at=BEGIN), prev="")
    for records in ([], [deleted], [first, first], [first, deleted, deleted]):
        with pytest.raises(CorruptStateError, match="tampered"):
            fold(records)


def test_a_log_must_end_where_its_mark_says() -> None:
    line, mark = line_after(NOTHING, started(), None)
    assert [record.seq for record in read_log(line, mark)] == [1]
    for raw, wrong in (
        (line, mark.model_copy(update={"count": 2})),
        (line, mark.model_copy(update={"hash": "0" * 64})),
        (b"", mark),
        (line[:-1], mark),
        (line + line, mark),
    ):
        with pytest.raises(CorruptStateError, match="tampered"):
            read_log(raw, wrong)


def test_a_session_that_a_writer_is_moving_is_looked_at_again_under_the_lock(site: Site, store: Store) -> None:
    session = begun(store)
    request = fresh()

    class Late(FileSystem):
        """A reader's disk on which the session is deleted between its head and its log."""

        deleted = False

        def stat(self, path: Path) -> os.stat_result:
            if path.suffix == ".jsonl" and not self.deleted:
                self.deleted = True
                store.delete("one", at=at(session), reason=None, request=request)
            return super().stat(path)

    assert site.store(fs=Late()).sessions().corrupt == ()
    assert store.verify().ok


def test_a_doubt_about_a_session_that_nobody_ever_locked_stands(site: Site, store: Store) -> None:
    begun(store)
    site.head().write_bytes(b"{")
    (site.root / "locks" / stripe_of("one")).unlink()
    with pytest.raises(CorruptStateError, match="torn"):
        store.read("one")
    assert not (site.root / "locks" / stripe_of("one")).exists()


def test_a_replay_whose_place_in_the_log_was_forged_is_refused(site: Site) -> None:
    store = Store(site.root, site.user)
    begun(store)
    request = fresh()
    store.update("one", toggling, request=request)
    inner = parts(store)
    with inner.locked("one") as outcome:
        found = inner.find("one")
        assert found is not None
        page = found.page
        store_id, key = inner.guard.store, inner.guard.key_to_seal()
        inner.pages.write(found.place, encode(page.session, store_id, page.log, {request.id: 9}, key), outcome)
    with pytest.raises(CorruptStateError, match="the request that it remembers"):
        store.update("one", toggling, request=request)
