"""Looking at everything that a store holds: what a single read believes, and all that it has no time for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcp_server.domain import machine
from mcp_server.domain.events import Event, Repinned, SealAccepted, SessionImported, SessionRestored, SessionStarted
from mcp_server.domain.frozen import Stored
from mcp_server.domain.results import Checked
from mcp_server.domain.session import Evidence, Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.audit import AuditLine, audited
from mcp_server.storage.findings import tampered, torn
from mcp_server.storage.layout import sha256
from mcp_server.storage.listing import Corrupt
from mcp_server.storage.locks import stripe_of
from mcp_server.storage.log import LogMark, Record, accepted_at, fold
from mcp_server.storage.parts import Found, Parts
from mcp_server.storage.values import references

Progress = Callable[[int, int], None]
"""Told before each session how many have been looked at, and of how many."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What came of it: how many sessions were looked at, what is wrong with which, and what is wrong with the store.

    ``repaired`` counts the audit lines that a crash had left out.
    """

    sessions: int
    corrupt: tuple[Corrupt, ...]
    store: tuple[str, ...]
    repaired: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.corrupt and not self.store


@dataclass(frozen=True, slots=True)
class Whole:
    """A session with every event and what binds them, looked at from end to end at one moment.

    ``log`` and ``head`` (the SHA-256 of the session's file) are what can be held against the files later. ``key_id``
    names the key of the seal, None for a session that is not sealed. ``accepted`` is the number of the last event by
    which a person accepted files that other hands had changed; 0: none. What precedes it nothing vouches for.
    """

    session: Session
    records: tuple[Record, ...]
    log: LogMark
    head: str
    key_id: str | None
    anchored: bool
    accepted: int


class Verifier:
    """One verification of a store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._seen: set[str] = set()

    def verify(self, session_id: str | None, progress: Progress | None = None) -> VerifyReport:
        """Verify one session (NotFoundError when there is none), or all of them and the audit log."""
        parts = self._parts
        if session_id is not None and not parts.exists(session_id):
            parts.require_live(None, session_id)
        ids = parts.session_ids() if session_id is None else [session_id]
        corrupt: list[Corrupt] = []
        lines: dict[str, list[AuditLine]] = {}
        for number, one in enumerate(ids):
            if progress is not None:
                progress(number, len(ids))
            try:
                lines[one] = parts.doubting(one, lambda one=one: self._lines_of(one))
            except CorruptStateError as error:
                corrupt.append(Corrupt(one, error.message))
        if session_id is not None:
            return VerifyReport(1, tuple(corrupt), (), 0)
        anchored = parts.guard.anchors.session_ids()
        corrupt += [Corrupt(one, error.message) for one, error in parts.gone(anchored, set(ids))]
        corrupt += [Corrupt(one, error.message) for one, error in parts.lost()]
        try:
            written = {line.event for line in parts.audit.read()}
        except CorruptStateError as error:
            return VerifyReport(len(ids), tuple(corrupt), (error.message,), 0)
        missing = [line for of_one in lines.values() for line in of_one if line.event not in written]
        for line in missing:
            # Under its session's lock, since the writer may still be about to add the line itself.
            with parts.locks.hold(stripe_of(line.session_id)):
                parts.audit.append(line, once=True)
        return VerifyReport(len(ids), tuple(corrupt), (), len(missing))

    def whole(self, session_id: str) -> Whole:
        """All of one session that is not in the trash (else NotFoundError); CorruptStateError when any is wrong."""
        return self._parts.doubting(session_id, lambda: self._whole(session_id))

    def require_sound(self, session_id: str) -> None:
        """Raise CorruptStateError when anything of a session is wrong. For who holds its lock."""
        self._lines_of(session_id)

    def lost(self, found: Found) -> list[str]:
        """What no longer can be read of a session whose log holds, in words, one for each event that named it first."""
        records = require_whole(self._parts, found)
        lost = [_what(record) for record in records[accepted_at(records) :] if not self._is_there(record.event)]
        if not self._is_there(found.page.session):
            lost.append("what its file names")
        return lost

    def _is_there(self, of: Session | Event) -> bool:
        try:
            for name in self._named_by(of):
                if name not in self._seen:
                    self._parts.blobs.get(name)
                    self._seen.add(name)
        except CorruptStateError:
            return False
        return True

    def _whole(self, session_id: str) -> Whole:
        anchor = self._parts.guard.anchors.read(session_id)
        found = self._parts.require_live(self._parts.find(session_id), session_id)
        records, page = self._looked_at(found), found.page
        return Whole(
            session=page.session,
            records=tuple(records),
            log=page.log,
            head=sha256(page.raw),
            key_id=page.seal.key_id if page.seal else None,
            anchored=anchor is not None,
            accepted=max((record.seq for record in records if isinstance(record.event, SealAccepted)), default=0),
        )

    def _lines_of(self, session_id: str) -> list[AuditLine]:
        """What one session should have left in the audit log; CorruptStateError when anything of it is wrong."""
        found = self._parts.find(session_id)
        if found is None:
            return []
        return _audit_lines(self._looked_at(found), found)

    def _looked_at(self, found: Found) -> list[Record]:
        """A session's records; CorruptStateError unless they hold and every value that they name is as it was."""
        records = require_whole(self._parts, found)
        names = set(self._named_by(found.page.session))
        for record in records[accepted_at(records) :]:
            names.update(self._named_by(record.event))
        for name in sorted(names - self._seen):
            self._parts.blobs.get(name)
            self._seen.add(name)
        return records

    def _named_by(self, of: Session | Event) -> list[str]:
        try:
            named = [name for one in _evidence(of) for name in references(one, self._parts.blobs.get)]
            return named + _stored(of)
        except ValueError:
            raise torn("stored evidence does not parse") from None


def require_whole(parts: Parts, found: Found) -> list[Record]:
    """A session's records; CorruptStateError unless the chain holds and makes the session that the head shows."""
    records = parts.pages.records(found.place, found.page)
    if fold(records) != found.page.session:
        raise tampered("the events in its log make another session than its file shows")
    return records


def _what(record: Record) -> str:
    event = record.event
    if isinstance(event, SessionStarted | Repinned):
        return f"the definition or the options (event {record.seq}, {event.type})"
    phase = getattr(event, "phase", None)
    told = event.type if phase is None else f"{event.type}, phase {phase}"
    return f"what event {record.seq} rests on ({told})"


def _audit_lines(records: list[Record], found: Found) -> list[AuditLine]:
    hashes = [record.prev for record in records[1:]] + [found.page.log.hash]
    lines: list[AuditLine] = []
    start = accepted_at(records)
    session = fold(records[: start + 1])
    for index in range(start, len(records)):
        event = records[index].event
        if index > start:
            session = machine.apply(session, event)
        line = audited(event, hashes[index], session)
        if line is not None:
            lines.append(line)
    return lines


def _evidence(of: Session | Event) -> list[Evidence]:
    match of:
        case Session():
            drafts = [of.draft.evidence] if of.draft else []
            return [of.options, *of.artifacts.values(), *drafts]
        case SessionStarted():
            return [of.options]
        case SealAccepted() | SessionImported() | SessionRestored():
            return _evidence(of.session)
        case _:
            evidence = getattr(of, "evidence", None)
            return [evidence] if isinstance(evidence, Evidence) else []


def _stored(of: Session | Event) -> list[str]:
    """The other blobs that are named: definitions, the results of checks, what was protected."""
    match of:
        case Session():
            checked = of.under_way.checked if of.under_way else None
            return [of.definition.digest, *(one.sha256 for one in of.baselines.values()), *_details(checked)]
        case SealAccepted() | SessionImported() | SessionRestored():
            return _stored(of.session)
        case _:
            definition = [of.definition.digest] if isinstance(of, SessionStarted | Repinned) else []
            baseline = getattr(of, "baseline", None)
            kept = [baseline.sha256] if isinstance(baseline, Stored) else []
            return [*definition, *kept, *_details(getattr(of, "checked", None))]


def _details(checked: Checked | None) -> list[str]:
    return [checked.details.sha256] if checked and checked.details else []
