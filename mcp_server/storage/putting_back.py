"""Undoing changes of sessions byte for byte, for who holds all locks and finds that the whole must not stand."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.errors import CorruptStateError
from mcp_server.storage.anchors import Anchor, AuditAnchor
from mcp_server.storage.durable import discard, opened, read_file, write_file, write_span
from mcp_server.storage.filesystem import WRITE
from mcp_server.storage.layout import sha256
from mcp_server.storage.parts import Found, Parts


@dataclass(frozen=True, slots=True)
class _Before:
    """A session as it was; ``rest`` is what followed the valid part of its log."""

    found: Found
    rest: bytes
    anchor: Anchor | None


class PuttingBack:
    """Remembers sessions before they change, and the audit log, and puts them back."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._sessions: list[_Before] = []
        self._audit = self._audit_before()

    def remember(self, found: Found) -> None:
        """Keep what is needed to put this session back."""
        parts, session_id = self._parts, found.page.session.session_id
        log = parts.pages.read_raw_log(found.place, session_id)
        anchor = parts.guard.anchors.read(session_id)
        self._sessions.append(_Before(found, log[found.page.log.length :], anchor))

    def all(self) -> None:
        """Put back all that was remembered, the last change first."""
        parts = self._parts
        for one in reversed(self._sessions):
            place, page = one.found.place, one.found.page
            session_id = page.session.session_id
            # The anchor first, since a head that is older than its anchor is not believed.
            if one.anchor is not None:
                parts.guard.anchors.write(session_id, one.anchor)
            else:
                parts.guard.anchor(page)
            write_file(parts.fs, place.head(session_id), page.raw)
            with opened(parts.fs, place.log(session_id), WRITE) as fd:
                parts.fs.truncate(fd, page.log.length)
                write_span(parts.fs, fd, one.rest, page.log.length)
        if self._sessions:
            self._put_back_audit()

    def _audit_before(self) -> tuple[bytes | None, AuditAnchor | None]:
        parts = self._parts
        try:
            raw = read_file(parts.fs, parts.layout.audit)
        except FileNotFoundError:
            raw = None
        try:
            return raw, parts.guard.anchors.read_audit() or _anchor_of(raw or b"")
        except CorruptStateError:
            # An anchor that cannot be read is moved by nobody.
            return raw, None

    def _put_back_audit(self) -> None:
        parts = self._parts
        raw, anchor = self._audit
        if anchor is not None:
            parts.guard.anchor_audit(anchor)
        if raw is not None:
            write_file(parts.fs, parts.layout.audit, raw)
        else:
            discard(parts.fs, parts.layout.audit)


def _anchor_of(raw: bytes) -> AuditAnchor:
    whole = raw[: raw.rfind(b"\n") + 1]
    last = whole.rfind(b"\n", 0, -1) + 1
    return AuditAnchor(length=len(whole), hash=sha256(whole[last:]), last=last)
