"""Copies of sessions as they were at one moment, while others go on changing them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from mcp_server.errors import BusyError, CorruptStateError
from mcp_server.storage.archive import Contained, head_name
from mcp_server.storage.findings import tampered
from mcp_server.storage.layout import sha256
from mcp_server.storage.parts import Parts
from mcp_server.storage.verification import require_whole


@dataclass(frozen=True, slots=True)
class Copy:
    """The files of one session: its head and so much of its log as the head names; all there is of what is damaged."""

    contained: Contained
    head: bytes | None
    log: bytes | None

    def files(self) -> dict[str, bytes]:
        """The files by their names in an archive, those that are there."""
        name = head_name(self.contained.session_id, deleted=self.contained.deleted)
        files = {name: self.head, f"{name}l": self.log}
        return {name: content for name, content in files.items() if content is not None}


def copied(parts: Parts, session_id: str) -> Copy | None:
    """A copy of a session, or None where it is gone. Nobody is stopped: see ``Parts.doubting``."""
    try:
        return parts.doubting(session_id, lambda: _trusted(parts, session_id))
    except CorruptStateError as error:
        return _as_it_is(parts, session_id, error.message)
    except BusyError:
        finding = "torn: its files do not go together, and somebody held it too long for a second look"
        return _as_it_is(parts, session_id, finding)


def _trusted(parts: Parts, session_id: str) -> Copy | None:
    found = parts.find(session_id)
    if found is None:
        return None
    require_whole(parts, found)
    mark = found.page.log
    log = parts.pages.read_raw_log(found.place, session_id, mark.length)
    if sha256(log[mark.last :]) != mark.hash:
        raise tampered("its log does not end where the session says")
    return Copy(Contained.of(found.page.session), found.page.raw, log)


def _as_it_is(parts: Parts, session_id: str, finding: str) -> Copy:
    """The bytes of a session whose files cannot be trusted, wherever they lie; nobody changes such files."""
    head: bytes | None = None
    log: bytes | None = None
    deleted = False
    for place in (parts.layout.live, parts.layout.trash):
        # A link or a folder in a file's place is not followed, and so not copied.
        with suppress(CorruptStateError):
            if head is None:
                head = parts.pages.read_raw(place, session_id)
                deleted = head is not None and place == parts.layout.trash
        with suppress(CorruptStateError):
            if log is None:
                log = parts.pages.read_raw_log(place, session_id)
    return Copy(Contained(session_id=session_id, deleted=deleted, finding=finding), head, log)
