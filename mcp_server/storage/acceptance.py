"""A person's word that files changed by other hands shall stand: they are set down as an event and sealed anew."""

from __future__ import annotations

from datetime import datetime

from mcp_server.domain import machine
from mcp_server.domain.events import SealAccepted
from mcp_server.domain.session import PhaseRecord, Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.anchors import Anchor
from mcp_server.storage.audit import audited
from mcp_server.storage.durable import Outcome, set_aside, write_file
from mcp_server.storage.findings import tampered, torn
from mcp_server.storage.head import Page, decode_edited, with_request
from mcp_server.storage.layout import Place
from mcp_server.storage.listing import Corrupt, Listing
from mcp_server.storage.log import NOTHING, LogMark, line_after, parse_line
from mcp_server.storage.parts import Parts
from mcp_server.storage.verification import require_whole


class Acceptance:
    """One person's acceptance, of one session or of the whole store."""

    def __init__(self, parts: Parts, at: datetime, *, authenticated: bool) -> None:
        self._parts = parts
        self._at = at
        self._authenticated = authenticated

    def one(self, session_id: str) -> Session:
        """Accept a session; NotFoundError when there is none."""
        parts = self._parts
        with Outcome():
            if not parts.exists(session_id):
                parts.require_live(None, session_id)
            parts.root.make()
        with parts.locked(session_id) as outcome:
            accepted = self._accept(session_id, outcome)
            return accepted or parts.require_live(parts.find(session_id), session_id).page.session

    def all(self) -> Listing:
        """Accept every session that needs it, and the audit log."""
        parts = self._parts
        accepted: list[Session] = []
        corrupt: list[Corrupt] = []
        with Outcome() as outcome:
            ids = parts.session_ids()
            if not ids:
                return Listing((), ())
            parts.root.make()
            with parts.locks.hold_all():
                for session_id in ids:
                    try:
                        session = self._accept(session_id, outcome)
                    except CorruptStateError as error:
                        corrupt.append(Corrupt(session_id, error.message))
                        continue
                    if session is not None:
                        accepted.append(session)
                self._let_go(set(ids))
                parts.audit.accept()
        return Listing(tuple(accepted), tuple(corrupt))

    def _accept(self, session_id: str, outcome: Outcome) -> Session | None:
        """The session as it is now accepted, or None when nothing was wrong with it."""
        parts = self._parts
        key = parts.guard.key_to_seal()
        try:
            found = parts.settle(session_id)
            if found is not None:
                require_whole(parts, found)
            return None
        except CorruptStateError as error:
            finding = error.message
        place, session = self._as_it_is(session_id)
        before = self._rechained(place, session)
        event = SealAccepted(at=self._at, finding=finding, session=session, authenticated=self._authenticated)
        after = machine.apply(session, event)
        page = parts.pages.commit(place, before, after, event, None, key=key, outcome=outcome)
        line = audited(event, page.log.hash, after)
        if line is not None:
            parts.audit.append(line)
        if place != parts.home(after):
            parts.move(session_id, place, parts.home(after))
        return after

    def _as_it_is(self, session_id: str) -> tuple[Place, Session]:
        """What the files say, at a version that comes after every one that was ever handed out."""
        parts = self._parts
        place = parts.layout.live
        raw = parts.pages.read_raw(place, session_id)
        if raw is None:
            place = parts.layout.trash
            raw = parts.pages.read_raw(place, session_id) or b""
        session = decode_edited(raw)
        if session.session_id != session_id:
            raise tampered("its file holds another session; put the files back under their own names")
        session = _usable(session, self._at)
        anchor = self._anchor(session_id)
        if anchor is not None and anchor.version > session.version:
            session = session.model_copy(update={"version": anchor.version})
        return place, session

    def _rechained(self, place: Place, session: Session) -> Page:
        """The page to go on from: its log is what can be read of the one that is there, chained anew if it must be."""
        parts = self._parts
        # A session that was on its way to or from the trash may have its log in the other folder.
        holding = [one for one in (place, parts.layout.live, parts.layout.trash) if self._has_log(one, session)]
        raw = parts.pages.read_raw_log(holding[0], session.session_id) if holding else b""
        mark: LogMark = NOTHING
        content = b""
        requests: dict[str, int] = {}
        for old in raw.splitlines(keepends=True):
            record = parse_line(old)
            if record is None:
                continue
            line, mark = line_after(mark, record.event, record.request)
            content += line
            if record.request is not None:
                requests = with_request(requests, record.request.id, mark.count)
        if content != raw:
            set_aside(parts.fs, parts.layout.quarantine, f"{session.session_id}.jsonl", raw)
        if content != raw or place not in holding:
            write_file(parts.fs, place.log(session.session_id), content)
        return Page(session, parts.guard.store, mark, requests, None, b"")

    def _has_log(self, place: Place, session: Session) -> bool:
        try:
            self._parts.fs.stat(place.log(session.session_id))
        except FileNotFoundError:
            return False
        return True

    def _anchor(self, session_id: str) -> Anchor | None:
        try:
            return self._parts.guard.anchors.read(session_id)
        except CorruptStateError:
            return None

    def _let_go(self, ids: set[str]) -> None:
        """Take what is gone for deleted."""
        anchors = self._parts.guard.anchors
        for session_id in anchors.session_ids():
            anchor = self._anchor(session_id)
            if session_id not in ids and (anchor is None or not anchor.deleted):
                version, seal = (anchor.version, anchor.seal) if anchor else (0, "")
                anchors.write(session_id, Anchor(version=version, seal=seal, deleted=True))


def _usable(session: Session, at: datetime) -> Session:
    """The session, with a record of its current phase if that was never entered; CorruptStateError for nonsense."""
    if machine.state_of(session) not in machine.TABLE:
        raise torn(f"a session that is {session.session_status} cannot have the gate {session.gate}")
    if session.current_phase not in session.phases:
        raise torn(f"its workflow has no phase {session.current_phase}")
    if any(record.phase == session.current_phase for record in session.phase_history):
        return session
    entered = PhaseRecord(phase=session.current_phase, status="in_progress", started_at=at)
    return session.model_copy(update={"phase_history": (*session.phase_history, entered)})
