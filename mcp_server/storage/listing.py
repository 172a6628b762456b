"""All sessions of a store at once, each read again only when its file has changed."""

from __future__ import annotations

import errno
import threading
import time
from dataclasses import dataclass
from typing import Final

from mcp_server.domain.session import Session
from mcp_server.errors import CorruptStateError
from mcp_server.storage.parts import Parts

# A file that changed so lately can change again without its times showing it.
_RACY_NANOSECONDS: Final = 2_000_000_000

# What the system says of one file and not of the disk.
_ONE_FILE: Final = frozenset({errno.EACCES, errno.EPERM, errno.EIO})

_Signature = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Known:
    """A session as it was read from a file of this signature, and how long its log was then."""

    signature: _Signature
    session: Session
    log_length: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A session whose files cannot be trusted, and why."""

    session_id: str
    finding: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Every session that is not in the trash, by id, and those that cannot be trusted."""

    sessions: tuple[Session, ...]
    corrupt: tuple[Corrupt, ...]


class Lister:
    """Lists the sessions of one store. Thread-safe."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cache: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def list(self) -> Listing:
        """Every session; one that cannot be trusted hides no other."""
        # A folder that must not be used is no empty store.
        self._parts.root.identity()
        with self._lock:
            known = self._cache
        fresh: dict[str, _Known] = {}
        sessions: list[Session] = []
        corrupt: list[Corrupt] = []
        for session_id in self._parts.ids_in(self._parts.layout.live):
            try:
                session = self._session(session_id, known, fresh)
            except CorruptStateError as error:
                corrupt.append(Corrupt(session_id, error.message))
            except OSError as error:
                if error.errno not in _ONE_FILE:
                    raise
                corrupt.append(Corrupt(session_id, "torn: its file cannot be read"))
            else:
                if session is not None:
                    sessions.append(session)
        with self._lock:
            self._cache = fresh
        return Listing(tuple(sessions), tuple(corrupt))

    def _session(
        self,
        session_id: str,
        known: dict[str, _Known],
        fresh: dict[str, _Known],
    ) -> Session | None:
        parts = self._parts
        now = time.time_ns()
        try:
            found = parts.fs.stat(parts.layout.live.head(session_id))
        except FileNotFoundError:
            return None
        # The change time too: whoever puts an old file back can set the other one.
        signature = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        cached = known.get(session_id)
        if cached is not None and cached.signature == signature and self._has_log(session_id, cached.log_length):
            fresh[session_id] = cached
            return cached.session
        looked = parts.look(session_id)
        if looked is None or looked.deleted:
            return None
        if now - max(found.st_mtime_ns, found.st_ctime_ns) > _RACY_NANOSECONDS:
            fresh[session_id] = _Known(signature, looked.page.session, looked.page.log.length)
        return looked.page.session

    def _has_log(self, session_id: str, length: int) -> bool:
        try:
            self._parts.pages.require_log(self._parts.layout.live, session_id, length)
        except CorruptStateError:
            return False
        return True
