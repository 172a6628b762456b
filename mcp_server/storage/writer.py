"""The changes of a store: each is one event, judged, appended and committed under the session's lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mcp_server.domain import machine
from mcp_server.domain.events import Event, SessionDeleted, SessionImported, SessionStarted, SessionUndeleted
from mcp_server.domain.session import Session
from mcp_server.errors import ConflictError
from mcp_server.storage.audit import audited
from mcp_server.storage.durable import Outcome
from mcp_server.storage.findings import tampered
from mcp_server.storage.keys import Key
from mcp_server.storage.locks import stripe_of
from mcp_server.storage.log import Request, fold
from mcp_server.storage.parts import Found, Parts
from mcp_server.storage.starts import require_same


@dataclass(frozen=True, slots=True)
class Committed:
    """A change that is on the disk.

    ``session`` is exactly as that event left it, ``seq`` the event's position in the session's log from 1, ``present``
    the session as it is now: the same object unless the change was committed before and is ``replayed``.
    """

    session: Session
    event: Event
    seq: int
    present: Session
    replayed: bool


class Writer:
    """Everything that changes a session of one store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(self, event: SessionStarted, request: Request | None, blobs: Mapping[str, bytes]) -> Committed:
        """Commit a first event; a repeated request goes on with the session that it began."""
        parts = self._parts
        with Outcome():
            parts.root.make()
            known = parts.starts.find(request) if request else None
            if known is None or parts.look(known) is None:
                parts.blobs.put(blobs)
            if request is not None:
                event = event.model_copy(update={"session_id": self._reserve(request, event.session_id)})
        with parts.locked(event.session_id) as outcome:
            key = parts.guard.key_to_seal()
            found = parts.settle(event.session_id)
            if found is None and parts.guard.anchors.read(event.session_id) is None:
                return self._commit(None, machine.begin(event), event, request, key, outcome)
            if request is None:
                raise _in_use(event.session_id)
            # Also from the trash: who repeats a start asks what it came to, not for the session.
            return self._replay(found or parts.require_live(None, event.session_id), request, outcome)

    def begun(self, request: Request) -> Committed | None:
        """What a start with this request has committed, or None."""
        parts = self._parts
        with Outcome():
            session_id = parts.starts.find(request)
            if session_id is None or not parts.exists(session_id):
                return None
        with parts.locked(session_id) as outcome:
            parts.guard.key_to_seal()
            found = parts.settle(session_id)
            return self._replay(found, request, outcome) if found is not None else None

    def bring(self, event: SessionImported, blobs: Mapping[str, bytes]) -> Session:
        """Commit a session that was begun elsewhere."""
        parts = self._parts
        session_id = event.session.session_id
        with Outcome():
            parts.root.make()
            parts.blobs.put(blobs)
        with parts.locked(session_id) as outcome:
            key = parts.guard.key_to_seal()
            if parts.settle(session_id) is not None or parts.guard.anchors.read(session_id) is not None:
                raise _in_use(session_id)
            return self._commit(None, machine.begin(event), event, None, key, outcome).session

    def update(
        self,
        session_id: str,
        decide: Callable[[Session], Event],
        request: Request | None,
        expected_version: int | None,
        blobs: Mapping[str, bytes],
    ) -> Committed:
        """Commit the event that ``decide`` makes of the session."""
        parts = self._parts
        with Outcome():
            # Without the lock first: what is refused leaves neither a blob nor a lock file behind.
            if blobs:
                found = parts.require_live(parts.look(session_id), session_id)
                if request is None or request.id not in found.page.requests:
                    _judge(found, decide, expected_version)
                    parts.blobs.put(blobs)
            elif not parts.exists(session_id):
                parts.require_live(None, session_id)
        with parts.locked(session_id) as outcome:
            key = parts.guard.key_to_seal()
            found = parts.require_live(parts.settle(session_id), session_id)
            if request is not None and request.id in found.page.requests:
                return self._replay(found, request, outcome)
            event, session = _judge(found, decide, expected_version)
            return self._commit(found, session, event, request, key, outcome)

    def delete(
        self, session_id: str, at: datetime, reason: str | None, request: Request | None, expected_version: int | None
    ) -> Committed | None:
        """Commit the deletion and take the files to the trash; None when there is nothing to delete."""
        parts = self._parts
        with Outcome():
            if not parts.exists(session_id):
                return None
        with parts.locked(session_id) as outcome:
            key = parts.guard.key_to_seal()
            found = parts.settle(session_id)
            if found is None:
                return None
            if request is not None and request.id in found.page.requests:
                return self._replay(found, request, outcome)
            if found.deleted:
                self._renew(found, outcome)
                return None
            event, session = _judge(found, lambda _: SessionDeleted(at=at, reason=reason), expected_version)
            return self._commit(found, session, event, request, key, outcome)

    def undelete(self, session_id: str, at: datetime) -> Session:
        """Commit that the session is back and take its files out of the trash; one that is not there is left alone."""
        parts = self._parts
        with Outcome():
            if not parts.exists(session_id):
                parts.require_live(None, session_id)
        with parts.locked(session_id) as outcome:
            key = parts.guard.key_to_seal()
            found = parts.settle(session_id)
            if found is None or not found.deleted:
                found = parts.require_live(found, session_id)
                self._renew(found, outcome)
                return found.page.session
            # Before the commit: a list of the sessions looks for the live ones in one folder only.
            parts.move(session_id, parts.layout.trash, parts.layout.live)
            event = SessionUndeleted(at=at)
            session = machine.apply(found.page.session, event)
            return self._commit(Found(parts.layout.live, found.page), session, event, None, key, outcome).session

    def _commit(
        self,
        found: Found | None,
        session: Session,
        event: Event,
        request: Request | None,
        key: Key | None,
        outcome: Outcome,
    ) -> Committed:
        parts = self._parts
        place, before = (found.place, found.page) if found else (parts.layout.live, None)
        page = parts.commit(place, before, session, event, request, key=key, outcome=outcome)
        return Committed(session=session, event=event, seq=page.log.count, present=session, replayed=False)

    def _replay(self, found: Found, request: Request, outcome: Outcome) -> Committed:
        """What was committed under a request, durable by now."""
        parts = self._parts
        records = parts.pages.records(found.place, found.page)
        # A start is remembered longer than a session remembers its requests.
        seq = found.page.requests.get(request.id, 1)
        record = records[seq - 1] if 0 < seq <= len(records) else None
        if record is None or record.request is None or record.request.id != request.id:
            if request.id in found.page.requests:
                raise tampered("its log does not hold the request that it remembers")
            raise _in_use(found.page.session.session_id)
        require_same(request, record.request.digest)
        self._renew(found, outcome)
        session = fold(records[:seq])
        line = audited(record.event, records[seq].prev if seq < len(records) else found.page.log.hash, session)
        if line is not None:
            parts.audit.append(line, once=True)
        return Committed(session=session, event=record.event, seq=seq, present=found.page.session, replayed=True)

    def renew(self, session_id: str) -> None:
        """Make durable once more what a session is; one that is in the trash, or nowhere, is left alone."""
        with self._parts.locked(session_id) as outcome:
            found = self._parts.settle(session_id)
            if found is not None and not found.deleted:
                self._renew(found, outcome)

    def _renew(self, found: Found, outcome: Outcome) -> None:
        """Make durable what was done before: whoever did it may have died before that.

        Written anew, since a sync that failed once may report success when it is only repeated.
        """
        outcome.committing()
        self._parts.pages.write(found.place, found.page, outcome)

    def _reserve(self, request: Request, session_id: str) -> str:
        parts = self._parts
        with parts.locks.hold(stripe_of(request.id)):
            reserved = parts.starts.find(request) or session_id
            # Also what is there: whoever set it down may have died before it was durable.
            parts.starts.remember(request, reserved)
            return reserved


def _judge(found: Found, decide: Callable[[Session], Event], expected_version: int | None) -> tuple[Event, Session]:
    """The event that is to be committed and what it makes of the session; raises what refuses it."""
    session = found.page.session
    if expected_version is not None and expected_version != session.version:
        raise ConflictError(
            f"The session is at version {session.version}, not at {expected_version} as expected.",
            remediation="Call get_state, look at what has changed, then repeat the call with the present version.",
        )
    event = decide(session)
    return event, machine.apply(session, event)


def _in_use(session_id: str) -> ConflictError:
    return ConflictError(
        f"The session_id {session_id} is taken.", remediation="Repeat the call with a fresh request_id."
    )
