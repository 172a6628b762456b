"""Anchors: the newest version and seal of each session, kept in the user's own folder, outside the project.

An old file put back would carry a true seal. Its anchor says that the session had moved on. The anchor of a deleted
session stays for ever, so that its id is never used again and its file never comes back by itself.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from mcp_server.domain.session import Frozen
from mcp_server.storage.durable import make_folders, read_file, settle_names, write_file
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.findings import tampered
from mcp_server.storage.keys import denied
from mcp_server.storage.layout import is_session_id, sha256


class Anchor(Frozen):
    """The last known state of a session's head."""

    version: int
    seal: str
    deleted: bool = False


class AuditAnchor(Frozen):
    """How far the audit log was known to be valid: its length, and the hash and offset of its last line."""

    length: int
    hash: str
    last: int


class Anchors:
    """The anchors of one store, which is known by its id and its resolved path."""

    def __init__(self, fs: FileSystem, data: Path, store: str, root: Path) -> None:
        self._fs = fs
        self._folder = data / "stores" / sha256(f"{store}\0{root}".encode())[:32]
        self._sessions = self._folder / "sessions"
        self._audit = self._folder / "audit.json"
        self.closed = False
        """Whether the user's folder turned an anchor away."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where the anchors lie, that of the audit log first."""
        return self._folder, self._sessions

    def read(self, session_id: str) -> Anchor | None:
        """A session's anchor, or None when it has none; CorruptStateError when there is one that cannot be read."""
        raw = self._read(self._sessions / f"{session_id}.json")
        if raw is None:
            return None
        try:
            return Anchor.model_validate_json(raw)
        except ValidationError:
            raise tampered("its anchor in the user's folder cannot be read") from None

    def write(self, session_id: str, anchor: Anchor) -> None:
        """Set a session's anchor; where the user's folder is closed it stays behind."""
        self._write(self._sessions / f"{session_id}.json", anchor)

    def read_audit(self) -> AuditAnchor | None:
        """The audit log's anchor; CorruptStateError when there is one that cannot be read."""
        raw = self._read(self._audit)
        if raw is None:
            return None
        try:
            return AuditAnchor.model_validate_json(raw)
        except ValidationError:
            raise tampered("the audit log's anchor in the user's folder cannot be read") from None

    def write_audit(self, anchor: AuditAnchor) -> None:
        """Set the audit log's anchor."""
        self._write(self._audit, anchor)

    def begun(self) -> bool:
        """Whether the audit log has an anchor, as it has once a first session was made."""
        return self._read(self._audit) is not None

    def settle(self) -> None:
        """Make the folders for anchors, durably, whoever made them; where the user's folder is closed, none."""
        for _ in range(2):
            try:
                make_folders(self._fs, self._sessions)
                settle_names(self._fs, self._sessions, 4)
                return
            except OSError as error:
                # Anchors that are not durable are missed much later, so a single refusal is not believed.
                if not denied(error):
                    raise
        self.closed = True

    def session_ids(self) -> list[str]:
        """The ids of all sessions that have an anchor."""
        try:
            names = self._fs.scandir(self._sessions)
        except OSError as error:
            if denied(error):
                return []
            raise
        return sorted(name[:-5] for name in names if name.endswith(".json") and is_session_id(name[:-5]))

    def _read(self, path: Path) -> bytes | None:
        try:
            return read_file(self._fs, path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if denied(error):
                return None
            raise

    def _write(self, path: Path, anchor: Frozen) -> None:
        content = anchor.model_dump_json().encode() + b"\n"
        try:
            try:
                write_file(self._fs, path, content)
            except FileNotFoundError:
                make_folders(self._fs, path.parent)
                write_file(self._fs, path, content)
        except OSError as error:
            if not denied(error):
                raise
            self.closed = True
