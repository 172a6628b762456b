"""The session store: what the engine keeps sessions in, without a word about files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from mcp_server.domain.authority import Authority
from mcp_server.domain.events import Event, SessionImported, SessionStarted
from mcp_server.domain.session import Session
from mcp_server.storage.acceptance import Acceptance, Comparison, compare
from mcp_server.storage.durable import Outcome
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.layout import require_session_id
from mcp_server.storage.listing import Lister, Listing
from mcp_server.storage.log import Record, Request, fold
from mcp_server.storage.parts import Parts
from mcp_server.storage.runs import Claim
from mcp_server.storage.trust import Trust
from mcp_server.storage.verification import Progress, Verifier, VerifyReport, Whole
from mcp_server.storage.writer import Committed, Writer

_NOBODY: Final = Authority()
_NO_BLOBS: Final[Mapping[str, bytes]] = MappingProxyType({})


class Store:
    """The sessions under one folder, shared with every other process that uses it. Thread-safe.

    An acknowledged change is never lost and never applied twice; a reader never sees half of one. Making a store
    touches nothing on disk; the folder comes into being with the first session.

    Every method may raise ConfigurationError (the folder must not be used) and StorageError (the disk said no), and
    those of one session InvalidArgumentError (not an id), NotFoundError and CorruptStateError (its files cannot be
    trusted; they are left as they are). What changes something may raise BusyError.
    """

    def __init__(
        self,
        root: Path,
        user: UserFolders,
        *,
        lock_timeout: float = 10.0,
        allow_network_fs: bool = False,
        stopping: threading.Event | None = None,
        fs: FileSystem | None = None,
    ) -> None:
        self._parts = Parts(
            root,
            user,
            lock_timeout=lock_timeout,
            allow_network_fs=allow_network_fs,
            stopping=stopping,
            fs=fs or FileSystem(),
        )
        self._writer = Writer(self._parts)
        self._lister = Lister(self._parts)

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know about this store, as far as it has been used."""
        return (*self._parts.root.notices, *self._parts.guard.notices)

    @property
    def parts(self) -> Parts:
        """What the store is made of, for work on it as a whole: backups, restoring, cleaning up."""
        return self._parts

    def trust(self, project: Path) -> Trust:
        """Which definitions a person trusts in the project of this root. Nothing is touched on disk."""
        return Trust(self._parts, project)

    def create(
        self, event: SessionStarted, *, request: Request | None = None, blobs: Mapping[str, bytes] = _NO_BLOBS
    ) -> Committed:
        """Begin a session. A request that was begun before goes on with the session id it had then.

        Raises ConflictError when the request had other arguments or the id is taken.
        """
        require_session_id(event.session_id)
        return self._writer.create(event, request, blobs)

    def bring(self, event: SessionImported, *, blobs: Mapping[str, bytes] = _NO_BLOBS) -> Session:
        """Begin a session that comes from another program. Raises ConflictError when its id is or was in use."""
        require_session_id(event.session.session_id)
        return self._writer.bring(event, blobs)

    def renew(self, session_id: str) -> None:
        """Make durable what is there of a session: whoever wrote it may have died before that."""
        self._writer.renew(require_session_id(session_id))

    def begun(self, request: Request) -> Committed | None:
        """What a start with this request has committed, also when its session lies in the trash by now; or None.

        Raises ConflictError when the request had other arguments.
        """
        return self._writer.begun(request)

    def read(self, session_id: str) -> Session:
        """The session as it is now."""
        parts = self._parts
        with Outcome():
            return parts.require_live(parts.look(require_session_id(session_id)), session_id).page.session

    def update(
        self,
        session_id: str,
        decide: Callable[[Session], Event],
        *,
        request: Request | None = None,
        expected_version: int | None = None,
        blobs: Mapping[str, bytes] = _NO_BLOBS,
    ) -> Committed:
        """Let ``decide`` say what happens to the session and make it happen.

        ``decide`` is pure, may be called twice, and may raise: then nothing has changed. A request that was committed
        before is answered from the log, without asking ``decide``. Raises ConflictError when the request had other
        arguments or the session is not at ``expected_version``, and StateError when the event is not legal.
        """
        return self._writer.update(require_session_id(session_id), decide, request, expected_version, blobs)

    def delete(
        self,
        session_id: str,
        *,
        at: datetime,
        reason: str | None,
        request: Request | None = None,
        expected_version: int | None = None,
    ) -> Committed | None:
        """Take a session to the trash; None when it was not there. A repeated request gives what it gave."""
        return self._writer.delete(require_session_id(session_id), at, reason, request, expected_version)

    def undelete(self, session_id: str, *, at: datetime) -> Session:
        """Take a session out of the trash; one that is not in it stays as it is."""
        return self._writer.undelete(require_session_id(session_id), at)

    def events(self, session_id: str, *, after: int = 0, limit: int | None = None) -> list[Record]:
        """What has happened to the session, in order, from the event that follows ``after``."""
        parts = self._parts

        def read() -> list[Record]:
            found = parts.require_live(parts.find(session_id), session_id)
            return parts.pages.records(found.place, found.page)

        with Outcome():
            records = parts.doubting(require_session_id(session_id), read)
        return records[after:] if limit is None else records[after : after + limit]

    def recent(
        self,
        session_id: str,
        wanted: Callable[[Record], bool],
        *,
        most: int,
        until: Callable[[Record], bool] = lambda _: False,
    ) -> list[Record]:
        """The last events of the session that are ``wanted``, newest first, at most so many.

        None before the last that ``until`` holds for is looked at: of a long history only the end is read.
        """
        parts = self._parts

        def read() -> list[Record]:
            found = parts.require_live(parts.find(session_id), session_id)
            events: list[Record] = []
            with closing(parts.pages.newest_first(found.place, found.page)) as records:
                for record in records:
                    if wanted(record):
                        events.append(record)
                    if len(events) == most or until(record):
                        break
            return events

        with Outcome():
            return parts.doubting(require_session_id(session_id), read)

    def claim(self, run: str) -> Claim:
        """Begin to run an attempt's checks, in the eyes of every process; ``run`` is a name in hex, used once."""
        with Outcome():
            return self._parts.runs.claim(run)

    def running(self, run: str) -> bool:
        """Whether some process runs an attempt's checks under this name."""
        with Outcome():
            return self._parts.runs.held(run)

    def committed(self, session_id: str, seq: int) -> Committed:
        """What the event of this number made of the session, looked back at."""
        parts = self._parts

        def read() -> Committed:
            found = parts.require_live(parts.find(session_id), session_id)
            records = parts.pages.records(found.place, found.page)[:seq]
            return Committed(fold(records), records[-1].event, seq, found.page.session, replayed=False)

        with Outcome():
            return parts.doubting(require_session_id(session_id), read)

    def sessions(self) -> Listing:
        """Every session that is not in the trash, and those whose files cannot be trusted."""
        with Outcome():
            return self._lister.list()

    def blob(self, sha256: str) -> bytes:
        """The content of this SHA-256; CorruptStateError when it is missing or not what was stored."""
        with Outcome():
            return self._parts.blobs.get(sha256)

    def verify(self, session_id: str | None = None, progress: Progress | None = None) -> VerifyReport:
        """Look at all of one session, or of every one and the audit log; lines it lacks after a crash are added."""
        wanted = None if session_id is None else require_session_id(session_id)
        with Outcome():
            return Verifier(self._parts).verify(wanted, progress)

    def whole(self, session_id: str) -> Whole:
        """All of a session at one moment, with what proves it, after everything that ``verify`` looks at of it."""
        wanted = require_session_id(session_id)
        with Outcome():
            return Verifier(self._parts).whole(wanted)

    def holds(self, session_id: str) -> bool:
        """Whether there is a file under this id at all, in the trash or not, trusted or not."""
        with Outcome():
            return self._parts.exists(require_session_id(session_id))

    def knows(self, session_id: str) -> bool:
        """Whether there is or was a session of this id, as far as its file or its anchor tell."""
        parts = self._parts
        with Outcome():
            return parts.exists(require_session_id(session_id)) or parts.guard.anchors.read(session_id) is not None

    def compare(self, session_id: str) -> Comparison:
        """How a session's file differs from what its log says, and what rules out that it is accepted."""
        with Outcome():
            return compare(self._parts, require_session_id(session_id))

    def accept_seal(self, session_id: str, *, at: datetime, authority: Authority = _NOBODY) -> Session:
        """Accept a session's files as they are, for a person who looked at them; one that can be trusted is left alone.

        Raises CorruptStateError for what cannot be accepted: files that do not parse, are newer or another session's,
        or say what no walk through the workflow leads to.
        """
        return Acceptance(self._parts, at, authority).one(require_session_id(session_id))

    def accept_all(self, *, at: datetime, authority: Authority = _NOBODY) -> Listing:
        """Accept the whole store as it is; the sessions that were accepted, and those that cannot be.

        What is gone without having been deleted is then taken for deleted. The audit log is accepted too.
        """
        return Acceptance(self._parts, at, authority).all()
