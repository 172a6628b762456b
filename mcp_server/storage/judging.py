"""What is wrong with a session's files, what of it is certain, and so what may be done. Nothing is changed here."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mcp_server.domain.session import Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.anchors import Anchor
from mcp_server.storage.durable import opened
from mcp_server.storage.filesystem import READ
from mcp_server.storage.findings import tampered
from mcp_server.storage.head import Page, decode
from mcp_server.storage.log import parse_line
from mcp_server.storage.parts import Found, Parts
from mcp_server.storage.quarantine import Quarantine
from mcp_server.storage.rebuilding import rebuilt
from mcp_server.storage.verification import Verifier


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a session, what may be done about it here and why, and what a person can do."""

    session_id: str
    finding: str
    does: Literal["rebuild", "quarantine", "leave"]
    says: str
    remedy: str
    page: Page | None = None
    """The head that is proven, of a session that is to be rebuilt."""


class Judge:
    """Looks at the sessions of one store; whoever asks about one holds its lock where there is one."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._quarantine = Quarantine(parts)

    def files(self, session_id: str) -> list[Path]:
        """The files of a session that are there: heads, then logs."""
        places = (self._parts.layout.live, self._parts.layout.trash)
        paths = [place.head(session_id) for place in places] + [place.log(session_id) for place in places]
        return [path for path in paths if self._is_there(path)]

    def verdict(self, session_id: str) -> Verdict | None:
        """What is wrong with a session; None when nothing is."""
        for finding, remedy in self._obstacles(session_id):
            return Verdict(session_id, finding, "leave", "nothing is moved that cannot be looked at", remedy)
        try:
            Verifier(self._parts).require_sound(session_id)
            return None if self._parts.exists(session_id) else self._missing(session_id)
        except CorruptStateError as error:
            return self._damaged(session_id, error)

    def _is_there(self, path: Path) -> bool:
        try:
            self._parts.fs.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _obstacles(self, session_id: str) -> Iterator[tuple[str, str]]:
        fs = self._parts.fs
        for path in self.files(session_id):
            what = "log" if path.suffix == ".jsonl" else "file"
            if not stat.S_ISREG(fs.stat(path).st_mode):
                yield f"tampered: its {what} is not a file", f"Put its {what} back in the place of what lies there."
                continue
            try:
                with opened(fs, path, READ):
                    pass
            except PermissionError:
                yield f"torn: its {what} cannot be read", f"Mend the permissions of its {what}."

    def _missing(self, session_id: str) -> Verdict | None:
        """Of a session that has no file: what its anchor and the quarantine know of it."""
        anchor = self._parts.guard.anchors.read(session_id)
        if anchor is None and self._parts.guard.is_lost(session_id):
            says = "the store that held it is gone, and its own id (store.json) with it"
            return Verdict(session_id, "tampered: its files are gone", "leave", says, _restore(session_id))
        if anchor is None or anchor.deleted:
            return None
        if self.files(session_id):
            return self._damaged(session_id, tampered("its file is gone, though it was never deleted"))
        notes = [note for note in self._quarantine.notes(session_id) if note.did == "quarantined"]
        if not notes:
            says = f"nothing is left of it; it was at version {anchor.version}"
            return Verdict(session_id, "tampered: its files are gone", "leave", says, _restore(session_id))
        last = notes[-1]
        says = f"in quarantine since {last.at:%Y-%m-%d %H:%M} UTC as {', '.join(last.names())}: {last.why}"
        return Verdict(session_id, last.finding, "leave", says, _restore(session_id))

    def _damaged(self, session_id: str, error: CorruptStateError) -> Verdict:
        guard = self._parts.guard
        kept = Verdict(session_id, error.message, "leave", "its files are left as they are", error.remediation)
        if error.kind in ("newer", "foreign") or not guard.store:
            return kept
        try:
            anchor, key = guard.anchors.read(session_id), guard.keys.find()
        except CorruptStateError:
            return replace(kept, remedy=_accept(session_id))
        head = self._head(session_id)
        if head is not None and self._is_trusted(session_id, head, anchor):
            return self._with_head(kept, head)
        # A file of another store may be this one's, whose id was changed.
        if anchor is None or key is None or (head is not None and head.page.store != guard.store):
            # Nothing would tell of it any more once it was moved.
            says = "nothing outside the project says what it last was, so its files are left as they are"
            return replace(kept, says=says, remedy=f"{_restore(session_id)} {_accept(session_id)}")
        page = rebuilt(self._parts, session_id, anchor, key)
        if isinstance(page, str):
            says = f"what it was is not certain, since {page}"
            return replace(kept, does="quarantine", says=says, remedy=_restore(session_id))
        says = f"its log makes, byte for byte, the file that was last sealed: {_stands(page.session)}"
        return replace(kept, does="rebuild", says=says, remedy="", page=page)

    def _with_head(self, kept: Verdict, found: Found) -> Verdict:
        """Of a session whose file is the one that was last written: its log is damaged, or stored values are."""
        stands = f"its file is the one that was last written: {_stands(found.page.session)}"
        restore, accept = _restore(kept.session_id), _accept(kept.session_id)
        try:
            lost = Verifier(self._parts).lost(found)
        except CorruptStateError:
            says = f"{stands}; of its log {self._readable(found)} of {found.page.log.count} events can be read"
            return replace(kept, says=says, remedy=f"Put back a copy of its log. {restore} {accept}")
        return replace(kept, says=f"{stands}; lost is {', '.join(lost)}", remedy=restore)

    def _readable(self, found: Found) -> int:
        try:
            raw = self._parts.pages.read_raw_log(found.place, found.page.session.session_id, found.page.log.length)
        except CorruptStateError:
            return 0
        return sum(1 for line in raw.splitlines(keepends=True) if parse_line(line) is not None)

    def _head(self, session_id: str) -> Found | None:
        """The session's file, if it says anything, whether it can be trusted or not."""
        for place in (self._parts.layout.live, self._parts.layout.trash):
            with suppress(CorruptStateError):
                raw = self._parts.pages.read_raw(place, session_id)
                if raw is not None:
                    return Found(place, decode(raw))
        return None

    def _is_trusted(self, session_id: str, head: Found, anchor: Anchor | None) -> bool:
        try:
            self._parts.guard.require_trusted(session_id, head.page, anchor)
        except CorruptStateError:
            return False
        return True


def _stands(session: Session) -> str:
    status = "deleted" if session.deleted_at is not None else session.session_status.value
    return f"version {session.version}, {status}, phase {session.current_phase}"


def _restore(session_id: str) -> str:
    return f"pos-workflow restore ARCHIVE --session {session_id} brings it back from a backup."


def _accept(session_id: str) -> str:
    return f"A person who has looked at it can accept it as it is: pos-workflow seal --accept {session_id}."
