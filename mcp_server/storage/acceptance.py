"""A person's word that files changed by other hands shall stand: they are set down as an event and sealed anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mcp_server.domain import machine
from mcp_server.domain.authority import Authority
from mcp_server.domain.events import SealAccepted
from mcp_server.domain.session import Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.anchors import Anchor
from mcp_server.storage.durable import Outcome, set_aside, write_file
from mcp_server.storage.findings import tampered
from mcp_server.storage.head import Page, decode_edited, with_request
from mcp_server.storage.layout import Place
from mcp_server.storage.listing import Corrupt, Listing
from mcp_server.storage.log import NOTHING, LogMark, Record, fold, follow, line_after, parse_line
from mcp_server.storage.parts import Parts
from mcp_server.storage.plausible import differences, require_reachable
from mcp_server.storage.summary import Summary, summary_of
from mcp_server.storage.verification import require_whole


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a person should know before files are accepted: how they differ from the log, and what rules it out."""

    differences: tuple[str, ...]
    refused: CorruptStateError | None


def compare(parts: Parts, session_id: str) -> Comparison:
    """Hold a session's file against its log. Nothing is changed, and nothing of either is believed."""
    try:
        place, session = as_it_is(parts, session_id)
    except CorruptStateError as error:
        return Comparison((), error)
    try:
        require_reachable(session)
        refused = None
    except CorruptStateError as error:
        refused = error
    return Comparison(_differences(parts, place, session), refused)


def _differences(parts: Parts, place: Place, session: Session) -> tuple[str, ...]:
    anchor = _anchor(parts, session.session_id)
    try:
        raw = _raw_log(parts, place, session.session_id)
        # Half a line is what a writer left that died.
        records = follow(raw[: raw.rfind(b"\n") + 1])
        logged = _logged(records, session, anchor)
    except CorruptStateError as error:
        return (f"the log cannot tell what was changed ({error.message})",)
    found = differences(logged, session)
    if anchor is not None and anchor.version > logged.version:
        found += (f"the session was at version {anchor.version} once; its log ends at version {logged.version}",)
    return found


def _logged(records: list[Record], session: Session, anchor: Anchor | None) -> Session:
    """The session as the log makes it, without an event that a dead writer may have left uncommitted."""
    logged = fold(records)
    known = max(session.version, anchor.version if anchor is not None else 0)
    if logged.version == known + 1 and len(records) > 1:
        before = fold(records[:-1])
        return before if before.version == known else logged
    return logged


class Acceptance:
    """One person's acceptance, of one session or of the whole store."""

    def __init__(self, parts: Parts, at: datetime, authority: Authority) -> None:
        self._parts = parts
        self._at = at
        self._authority = authority

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
        accepted: list[Summary] = []
        corrupt: list[Corrupt] = []
        with Outcome() as outcome:
            ids = parts.session_ids()
            if not ids and not parts.root.identity() and not any(parts.lost()):
                return Listing((), ())
            parts.root.make(anew=True)
            with parts.locks.hold_all():
                for session_id in ids:
                    try:
                        session = self._accept(session_id, outcome)
                    except CorruptStateError as error:
                        corrupt.append(Corrupt(session_id, error.message))
                        continue
                    if session is not None:
                        accepted.append(summary_of(session))
                self._let_go(set(ids))
                parts.guard.forget_lost()
                parts.audit.accept()
        return Listing(tuple(accepted), tuple(corrupt))

    def _accept(self, session_id: str, outcome: Outcome) -> Session | None:
        """The session as it is now accepted, or None when nothing was wrong with it."""
        parts = self._parts
        key = parts.guard.key_to_seal()
        try:
            found = parts.settle(session_id)
            if found is not None and isinstance(require_whole(parts, found)[-1].event, SealAccepted):
                # Whoever accepted it may have died before that was durable.
                parts.pages.write(found.place, found.page, outcome)
            return None
        except CorruptStateError as error:
            finding = error.message
        place, session = as_it_is(parts, session_id)
        require_reachable(session)
        anchor = _anchor(parts, session_id)
        if anchor is not None and anchor.version > session.version:
            # A version that was ever handed out is not handed out again.
            session = session.model_copy(update={"version": anchor.version})
        before = self._rechained(place, session)
        event = SealAccepted(at=self._at, finding=finding, session=session, authority=self._authority)
        after = machine.apply(session, event)
        parts.commit(place, before, after, event, None, key=key, outcome=outcome)
        return after

    def _rechained(self, place: Place, session: Session) -> Page:
        """The page to go on from: its log is what can be read of the one that is there, chained anew if it must be."""
        parts = self._parts
        raw = _raw_log(parts, place, session.session_id)
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
        # Also where it is the same: whoever wrote it may have died before it was durable.
        write_file(parts.fs, place.log(session.session_id), content)
        return Page(session, parts.guard.store, mark, requests, None, b"")

    def _let_go(self, ids: set[str]) -> None:
        """Take what is gone for deleted."""
        anchors = self._parts.guard.anchors
        for session_id in anchors.session_ids():
            anchor = _anchor(self._parts, session_id)
            if session_id not in ids and (anchor is None or not anchor.deleted):
                version, seal = (anchor.version, anchor.seal) if anchor else (0, "")
                anchors.write(session_id, Anchor(version=version, seal=seal, deleted=True))


def as_it_is(parts: Parts, session_id: str) -> tuple[Place, Session]:
    """What a session's file says, wherever it lies; CorruptStateError when it says nothing of this session."""
    place = parts.layout.live
    raw = parts.pages.read_raw(place, session_id)
    if raw is None:
        place = parts.layout.trash
        raw = parts.pages.read_raw(place, session_id) or b""
    session = decode_edited(raw)
    if session.session_id != session_id:
        raise tampered("its file holds another session; put the files back under their own names")
    return place, session


def _holding(parts: Parts, place: Place, session_id: str) -> list[Place]:
    """The folders that hold its log: one on its way to or from the trash may have it in the other one."""
    return [one for one in (place, parts.layout.live, parts.layout.trash) if _has_log(parts, one, session_id)]


def _has_log(parts: Parts, place: Place, session_id: str) -> bool:
    try:
        parts.fs.stat(place.log(session_id))
    except FileNotFoundError:
        return False
    return True


def _raw_log(parts: Parts, place: Place, session_id: str) -> bytes:
    holding = _holding(parts, place, session_id)
    return parts.pages.read_raw_log(holding[0], session_id) if holding else b""


def _anchor(parts: Parts, session_id: str) -> Anchor | None:
    try:
        return parts.guard.anchors.read(session_id)
    except CorruptStateError:
        return None
