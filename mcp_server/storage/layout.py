"""Where everything of a store lies. Pure paths: an id is matched before it is ever joined to one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_server.errors import InvalidArgumentError

_SESSION_ID: Final = re.compile(r"[a-z0-9_]{1,200}\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


def sha256(data: bytes) -> str:
    """The name of content: its SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def is_session_id(name: str) -> bool:
    """Whether a session may have this id."""
    return _SESSION_ID.match(name) is not None


def is_digest(name: str) -> bool:
    """Whether this is a SHA-256 in hex."""
    return _SHA256.match(name) is not None


def require_session_id(session_id: str) -> str:
    """The id itself; InvalidArgumentError when it cannot be one."""
    if not is_session_id(session_id):
        raise InvalidArgumentError(
            [{"field": "session_id", "problem": "must be 1 to 200 of a-z, 0-9 and _"}],
            remediation="Use a session_id as start or list_sessions gave it.",
        )
    return session_id


@dataclass(frozen=True, slots=True)
class Place:
    """One folder that can hold a session: its head and its log."""

    folder: Path

    def head(self, session_id: str) -> Path:
        """The session's head, the only truth about it."""
        return self.folder / f"{session_id}.json"

    def log(self, session_id: str) -> Path:
        """The session's events, valid up to the length that its head names."""
        return self.folder / f"{session_id}.jsonl"


class Layout:
    """The paths of a store by what they hold."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.identity = root / "store.json"
        self.ignore = root / ".gitignore"
        self.audit = root / "audit.jsonl"
        self.locks = root / "locks"
        self.blobs = root / "blobs"
        self.starts = root / "starts"
        self.quarantine = root / "quarantine"
        self.backups = root / "backups"
        self.runs = root / "runs"
        self.list_cache = root / "cache" / "sessions.jsonl"
        self.live = Place(root / "workflows")
        self.trash = Place(root / "trash")
        self.folders = (self.live.folder, self.trash.folder, self.locks, self.blobs, self.starts, self.quarantine)

    def start(self, request_id: str) -> Path:
        """What is remembered of a start under this request_id."""
        return self.starts / sha256(request_id.encode())

    def blob(self, digest: str) -> Path:
        """Where content of this SHA-256 lies; ValueError for what is none."""
        if not is_digest(digest):
            raise ValueError("not a SHA-256")
        return self.blobs / digest[:2] / digest
