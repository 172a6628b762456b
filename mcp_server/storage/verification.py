"""Looking at everything that a store holds: what a single read believes, and all that it has no time for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcp_server.domain.events import Event, SealAccepted, SessionImported, SessionRestored, SessionStarted
from mcp_server.domain.session import Evidence, Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.audit import AuditLine, audited
from mcp_server.storage.findings import tampered, torn
from mcp_server.storage.listing import Corrupt
from mcp_server.storage.locks import stripe_of
from mcp_server.storage.log import Record, accepted_at, fold
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

    def _lines_of(self, session_id: str) -> list[AuditLine]:
        """What one session should have left in the audit log; CorruptStateError when anything of it is wrong."""
        found = self._parts.find(session_id)
        if found is None:
            return []
        records = require_whole(self._parts, found)
        names = {found.page.session.definition.digest}
        names.update(self._named_by(found.page.session))
        for record in records[accepted_at(records) :]:
            names.update(self._named_by(record.event))
        for name in sorted(names - self._seen):
            self._parts.blobs.get(name)
            self._seen.add(name)
        return _audit_lines(records, found)

    def _named_by(self, of: Session | Event) -> list[str]:
        try:
            return [name for one in _evidence(of) for name in references(one, self._parts.blobs.get)]
        except ValueError:
            raise torn("stored evidence does not parse") from None


def require_whole(parts: Parts, found: Found) -> list[Record]:
    """A session's records; CorruptStateError unless the chain holds and makes the session that the head shows."""
    records = parts.pages.records(found.place, found.page)
    if fold(records) != found.page.session:
        raise tampered("the events in its log make another session than its file shows")
    return records


def _audit_lines(records: list[Record], found: Found) -> list[AuditLine]:
    hashes = [record.prev for record in records[1:]] + [found.page.log.hash]
    lines: list[AuditLine] = []
    start = accepted_at(records)
    for index in range(start, len(records)):
        line = audited(records[index].event, hashes[index], fold(records[: index + 1]))
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
