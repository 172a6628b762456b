"""Everything that changes a store, as the proof puts it through its trials, and what can be seen of a store.

An operation joins every part of the proof by one entry in ``OPERATIONS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_server.domain.events import AttemptsExhausted, Event, PhaseReopened, PhaseRetried, SealAccepted
from mcp_server.domain.session import Evidence, Session
from mcp_server.errors import CorruptStateError, NotFoundError
from mcp_server.storage.durable import read_file
from mcp_server.storage.filesystem import READ, WRITE, FileSystem
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.log import Request
from mcp_server.storage.parts import Found
from mcp_server.storage.store import Store
from mcp_server.storage.values import pack
from tests.storage.proof.disk import Disk
from tests.storage.support import (
    BEGIN,
    BLOBS,
    Site,
    at,
    back_to_start,
    begun,
    completing,
    parts,
    refusing,
    started,
    toggling,
    with_checksum,
)


class Apart(Site):
    """A project and a user's folders that have no folder in common."""

    @property
    def user(self) -> UserFolders:
        return UserFolders(Path("/home/.config/pos-workflow"), Path("/home/.share/pos-workflow"))


SITE: Final = Apart(Path("/site"))
BASE: Final = (Path("/site"), Path("/home"), Path("/home/.share"))
"""The folders that are there before the store is."""
REQUEST: Final = Request("request-0000001", "arguments")
EVIDENCE, EVIDENCE_BLOBS = pack({"report": "x" * 3000})

Facts = dict[str, object]


@dataclass(frozen=True)
class Operation:
    """Something that is done to a store; doing it again after it was acknowledged changes nothing.

    ``prepare`` makes what is there before, ``check`` looks at what must hold once it was acknowledged, beside that
    the store shows what it shows after the operation was done on a sound disk.
    """

    prepare: Callable[[Store], object]
    run: Callable[[Store], object]
    check: Callable[[Store], object] | None = None


def store_on(fs: FileSystem) -> Store:
    """A store as a process opens it that was just started."""
    return SITE.store(fs=fs, lock_timeout=0)


def prepared(operation: Operation) -> Disk:
    """A disk with what is there before the operation, all of it on the platter."""
    disk = Disk(*BASE)
    operation.prepare(store_on(disk))
    return disk.settled()


def facts(store: Store) -> Facts:
    """What a store holds: of each session, in the trash or not, its state and events, or that it cannot be trusted.

    AssertionError when what it says of itself does not agree with that.
    """
    seen: Facts = {}
    for session_id in parts(store).session_ids():
        try:
            found = parts(store).find(session_id)
        except CorruptStateError:
            seen[session_id] = "corrupt"
            continue
        assert found is not None
        session = found.page.session
        seen[session_id] = session, _events(store, found)
        assert read(store, session_id) == (None if found.deleted else session)
    listing = store.sessions()
    # Those whose files are gone too, of which only an anchor is left.
    seen |= {one.session_id: "corrupt" for one in listing.corrupt if not store.holds(one.session_id)}
    untrusted = sorted(session_id for session_id, fact in seen.items() if fact == "corrupt")
    assert [one.session_id for one in listing.corrupt] == untrusted, listing.corrupt
    assert len(listing.sessions) == sum(read(store, one) is not None for one in seen if one not in untrusted)
    report = store.verify()
    assert report.store == (), report
    assert [one.session_id for one in report.corrupt] == untrusted, report
    if not untrusted:
        assert store.verify().repaired == 0
    lines = [line.event for line in parts(store).audit.read()]
    assert len(lines) == len(set(lines)), "an audit line is there twice"
    return seen


def _events(store: Store, found: Found) -> list[Event]:
    events: list[Event] = []
    for record in parts(store).pages.records(found.place, found.page):
        # An acceptance that was cut short may stand in the log twice: it says the same.
        if not (isinstance(record.event, SealAccepted) and record.event in events):
            events.append(record.event)
    return events


def read(store: Store, session_id: str) -> Session | None:
    try:
        return store.read(session_id)
    except NotFoundError:
        return None


def acknowledged(operation: Operation, disk: Disk, new: Facts) -> None:
    """What must hold on a disk on which the operation was acknowledged; AssertionError when it does not."""
    store = store_on(disk)
    assert facts(store) == new
    for session_id, fact in new.items():
        if fact == "corrupt":
            continue
        found, anchor = parts(store).find(session_id), parts(store).guard.anchors.read(session_id)
        assert found is not None
        assert anchor is not None, "there is no anchor"
        assert found.page.seal is not None
        assert (anchor.version, anchor.seal) == (found.page.session.version, found.page.seal.hmac)
        log = parts(store).pages.read_raw_log(found.place, session_id)
        assert len(log) == found.page.log.length, "there is something behind the log's end"
    if operation.check is not None:
        operation.check(store)
        assert facts(store) == new


def audit_anchored(disk: Disk) -> bool:
    """Whether the audit log ends where its anchor says, as it does unless its last writer died."""
    anchor = parts(store_on(disk)).guard.anchors.read_audit()
    return anchor is not None and anchor.length == len(read_file(disk, SITE.root / "audit.jsonl"))


def updating(decide: Callable[[Session], Event], *before: Callable[[Session], Event], blobs: bool = False) -> Operation:
    def prepare(store: Store) -> None:
        begun(store)
        for one in before:
            store.update("one", one)

    def run(store: Store) -> None:
        store.update("one", decide, request=REQUEST, blobs=EVIDENCE_BLOBS if blobs else {})

    return Operation(prepare, run)


def pausing(store: Store) -> None:
    store.update("one", toggling, request=REQUEST)


def starting(store: Store) -> None:
    store.create(started(), request=REQUEST, blobs=BLOBS)


def starts_again(store: Store) -> None:
    """The same call again, which has a fresh id for a session each time."""
    assert store.create(started("another"), request=REQUEST, blobs=BLOBS).session.session_id == "one"


def deleting(store: Store) -> None:
    store.delete("one", at=BEGIN, reason="why", request=REQUEST)


def exhausted(session: Session) -> AttemptsExhausted:
    missing = ("tests_pass",)
    return AttemptsExhausted(
        at=at(session),
        phase=session.current_phase,
        attempt=session.record.attempt + 1,
        evidence=Evidence(),
        missing=missing,
        findings=(),
        outstanding=missing,
        fingerprint="f",
        reopen="person",
    )


def retrying(session: Session) -> PhaseRetried:
    return PhaseRetried(at=at(session), phase=session.current_phase, reset_evidence=True)


def reopening(session: Session) -> PhaseReopened:
    return PhaseReopened(at=at(session), phase=session.current_phase, reason="looked at")


def edit(store: Store, path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file as another hand would."""
    fs = parts(store).fs
    fd = fs.open(path, READ)
    changed = change(fs.read(fd, fs.fstat(fd).st_size, 0))
    fs.close(fd)
    fd = fs.open(path, WRITE)
    fs.truncate(fd, 0)
    fs.write(fd, changed, 0)
    fs.close(fd)


def torn_log(store: Store) -> None:
    """What a writer leaves that dies between log and head; its line is longer than the next one."""
    begun(store)
    edit(store, SITE.log(), lambda raw: raw + b'{"half": "' + b"of a line" * 300)


def torn_audit(store: Store) -> None:
    """What a loss of power leaves of a line that nobody was told of."""
    begun(store)
    edit(store, SITE.root / "audit.jsonl", lambda raw: raw + b"\0" * 900 + b'"}\n')


def tampered(store: Store) -> None:
    begun(store, "zero")
    with parts(store).locks.hold_all():
        pass
    begun(store)
    store.update("one", toggling)
    edit(store, SITE.head(), lambda raw: with_checksum(raw, lambda head: head.replace(b"src/app.py", b"src/api.py")))
    edit(store, SITE.log(), lambda raw: raw.replace(b"a pause", b"a lunch"))


OPERATIONS: Final[dict[str, Operation]] = {
    "start in a new place": Operation(lambda _: None, starting, starts_again),
    "start": Operation(lambda store: begun(store, "zero"), starting, starts_again),
    "complete a phase": updating(completing(EVIDENCE), blobs=True),
    "refuse a phase": updating(refusing(EVIDENCE), refusing(), blobs=True),
    "exhaust the attempts": updating(exhausted),
    "pause": updating(toggling),
    "pause after a writer died": Operation(torn_log, pausing),
    "resume": updating(toggling, toggling),
    "retry a phase": updating(retrying, refusing()),
    "reopen a phase": updating(reopening, exhausted),
    "roll back": updating(back_to_start, completing(), completing()),
    "delete": Operation(begun, deleting),
    "delete after a writer died": Operation(torn_audit, deleting),
    "undelete": Operation(lambda store: (begun(store), deleting(store)), lambda store: store.undelete("one", at=BEGIN)),
    "accept a session": Operation(tampered, lambda store: store.accept_seal("one", at=BEGIN)),
    "accept the store": Operation(tampered, lambda store: store.accept_all(at=BEGIN)),
}
