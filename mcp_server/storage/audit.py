"""The store-wide audit log: what happened to whole sessions, one chained JSON line each, anchored like a session.

Lines follow the session's own commit. Each carries the id of its event (the hash of the event's line in the session's
log), so that one which a crash left out is added later and none is there twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import orjson
from pydantic import ValidationError

from mcp_server.domain.events import (
    AttemptsExhausted,
    BudgetRaised,
    Event,
    GateRefused,
    GateSentBack,
    PhaseCompleted,
    PhaseOverridden,
    PhaseReopened,
    Repinned,
    SealAccepted,
    SessionDeleted,
    SessionImported,
    SessionMigrated,
    SessionRestored,
    SessionStarted,
    SessionUndeleted,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.results import Decision
from mcp_server.domain.session import Frozen, Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.anchors import AuditAnchor
from mcp_server.storage.durable import make_private, opened, read_file, read_span, set_aside, write_file, write_span
from mcp_server.storage.filesystem import CREATE, FileSystem
from mcp_server.storage.findings import newer, tampered
from mcp_server.storage.guard import Guard
from mcp_server.storage.layout import Layout, sha256
from mcp_server.storage.locks import Locks

# The last line is looked for in the last bytes of the file; no line is longer.
_TAIL: Final = 64 * 1024

Kind = Literal[
    "started", "imported", "migrated", "deleted", "undeleted", "purged", "restored",
    "seal_accepted", "trusted", "untrusted",
    "approved", "rejected", "overridden", "reopened", "repinned", "budget_raised",
    "rebuilt", "quarantined",
]  # fmt: skip


class AuditLine(Frozen):
    """One thing that happened: to which session, when, which version it made, why, and the event's id.

    What concerns no session has an empty ``session_id`` and version 0.
    """

    kind: Kind
    session_id: str
    at: datetime
    version: int
    reason: str | None
    event: str
    prev: str = ""


def audited(event: Event, event_id: str, session: Session) -> AuditLine | None:
    """The line that an event leaves in the audit log; None for one that concerns its session alone.

    ``session`` is as the event left it, ``event_id`` the hash of the event's line in its log.
    """
    kind: Kind
    reason: str | None = None
    match event:
        case SessionStarted():
            kind = "started"
        case SessionImported():
            kind, reason = "imported", event.session.imported_from
        case SessionMigrated():
            kind = "migrated"
        case SessionDeleted():
            kind, reason = "deleted", event.reason
        case SessionUndeleted():
            kind = "undeleted"
        case SessionRestored():
            kind, reason = "restored", f"as it was at {event.backed_up_at:%Y-%m-%d %H:%M:%SZ}"
        case SealAccepted():
            kind, reason = "seal_accepted", event.finding
        case _:
            decided = _decided(event)
            if decided is None:
                return None
            kind, reason = decided
    return AuditLine(
        kind=kind,
        session_id=session.session_id,
        at=event.at,
        version=session.version,
        reason=reason,
        event=event_id,
    )


def _decided(event: Event) -> tuple[Kind, str | None] | None:
    """What a person decided about a session, and why; None where nobody did."""
    match event:
        case PhaseOverridden() | WorkflowOverridden():
            return "overridden", event.decision.note if event.decision else None
        case PhaseCompleted(decision=Decision(note=note)) | WorkflowCompleted(decision=Decision(note=note)):
            return "approved", note
        case (
            GateRefused(decision=Decision(note=note))
            | AttemptsExhausted(decision=Decision(note=note))
            | GateSentBack(decision=Decision(note=note))
        ):
            return "rejected", note
        case PhaseReopened():
            return "reopened", event.reason
        case Repinned():
            return "repinned", event.decision.note
        case BudgetRaised():
            return "budget_raised", event.decision.note
        case _:
            return None


class Audit:
    """The audit log of one store. Its lock is taken inside a session's, never the other way round."""

    def __init__(self, fs: FileSystem, layout: Layout, locks: Locks, guard: Guard) -> None:
        self._fs = fs
        self._layout = layout
        self._locks = locks
        self._guard = guard

    def append(self, line: AuditLine, *, once: bool = False) -> None:
        """Add a line, durably; with ``once`` only if its event is not there yet.

        A log that was tampered with is added to all the same, and stays found: its anchor does not move.
        """
        with self._locks.hold("audit"), opened(self._fs, self._layout.audit, CREATE) as fd:
            size = self._fs.fstat(fd).st_size
            there = once and line.event.encode() in _without_torn(read_span(self._fs, fd, 0, size))
            if size == 0:
                make_private(self._fs, self._layout.audit, 0o600)
                self._fs.fsync_dir(self._layout.root)
            tail = read_span(self._fs, fd, max(0, size - _TAIL), size)
            whole = _without_torn(tail)
            previous = _last_line(whole)
            added = line.model_copy(update={"prev": sha256(previous)}).model_dump_json().encode() + b"\n"
            if there:
                added = b""
            if not self._trusted(fd, size):
                write_span(self._fs, fd, b"\n" * (tail[-1:] not in (b"", b"\n")) + added, size)
                return
            start = size - len(tail) + len(whole)
            if start < size:
                self._fs.truncate(fd, start)
            # With the line before: who wrote it may have died before it was durable.
            write_span(self._fs, fd, previous + added, start - len(previous))
            end, last = start + len(added), added or previous
            self._guard.anchor_audit(AuditAnchor(length=end, hash=sha256(last), last=end - len(last)))

    def read(self) -> list[AuditLine]:
        """Every line; CorruptStateError unless the chain and the anchor hold."""
        anchor = self._guard.anchors.read_audit()
        raw = _without_torn(self._raw())
        if not _reaches(anchor, raw):
            raise tampered("the audit log does not hold what was last written to it")
        lines: list[AuditLine] = []
        previous = b""
        for number, line in enumerate(raw.splitlines(keepends=True), 1):
            parsed = _parse(line)
            if parsed is None:
                raise _unreadable(line, number)
            if parsed.prev != sha256(previous):
                raise tampered(f"line {number} of the audit log does not follow from the one before it")
            previous = line
            lines.append(parsed)
        return lines

    def accept(self) -> None:
        """Chain and anchor the log anew as it is; what no longer parses, and the old chain, go to the quarantine."""
        with self._locks.hold("audit"):
            raw = self._raw()
            content = previous = b""
            for line in raw.splitlines():
                if _parse(line) is not None or _is_later(line):
                    previous = orjson.dumps({**orjson.loads(line), "prev": sha256(previous)}) + b"\n"
                    content += previous
            if content != raw:
                set_aside(self._fs, self._layout.quarantine, "audit", raw)
            # Also what is there already: whoever put it there may have died before it was durable.
            write_file(self._fs, self._layout.audit, content)
            last = len(content) - len(previous)
            self._guard.anchor_audit(AuditAnchor(length=len(content), hash=sha256(previous), last=last))

    def _raw(self) -> bytes:
        try:
            return read_file(self._fs, self._layout.audit)
        except FileNotFoundError:
            return b""

    def _trusted(self, fd: int, size: int) -> bool:
        try:
            anchor = self._guard.anchors.read_audit()
        except CorruptStateError:
            return False
        if anchor is None:
            return True
        return anchor.length <= size and sha256(read_span(self._fs, fd, anchor.last, anchor.length)) == anchor.hash


def _parse(line: bytes) -> AuditLine | None:
    """What a line says, or None when it says nothing."""
    try:
        return AuditLine.model_validate_json(line)
    except ValidationError:
        return None


def _is_later(line: bytes) -> bool:
    """Whether a line is one but for a kind, or fields, that a later version of the program may have written."""
    try:
        AuditLine.model_validate_json(line)
    except ValidationError as error:
        problems = error.errors(include_input=False)
        return all(one["type"] == "extra_forbidden" or one["loc"] == ("kind",) for one in problems)
    return False


def _unreadable(line: bytes, number: int) -> CorruptStateError:
    if _is_later(line):
        return newer(f"line {number} of the audit log is of a kind that this version of pos-workflow does not know")
    return tampered(f"line {number} of the audit log does not parse")


def _last_line(raw: bytes) -> bytes:
    return raw[raw.rfind(b"\n", 0, -1) + 1 :]


def _without_torn(raw: bytes) -> bytes:
    """A log without what writers left at its end that died, or lost their power: half a line, or one with holes."""
    whole = raw[: raw.rfind(b"\n") + 1]
    while whole and not _is_json(last := _last_line(whole)):
        whole = whole[: -len(last)]
    return whole


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _reaches(anchor: AuditAnchor | None, raw: bytes) -> bool:
    """Whether the log goes at least as far as its anchor, and is there what it was."""
    if anchor is None:
        return True
    return anchor.length <= len(raw) and sha256(raw[anchor.last : anchor.length]) == anchor.hash
