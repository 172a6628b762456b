"""All sessions of a store at once, each read again only when its file has changed.

A look at a store is as quick as what has happened allows. While the folders are as they were, nothing that this program
does can have changed a session, and the last list is given again. When one has changed, the heads' signatures tell
which to read. Other hands can change a file in its place, which no folder tells; every ``THOROUGH_SECONDS`` everything
is therefore looked at, and in a small store each time.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_server.errors import CorruptStateError
from mcp_server.storage.layout import is_session_id
from mcp_server.storage.list_cache import Known, ListCache, Signature, changed_at, signature_of
from mcp_server.storage.parts import Parts
from mcp_server.storage.summary import Summary, order_of, summary_of

THOROUGH_SECONDS: Final = 30.0
"""How long a change by other hands may stay out of a list."""

SMALL: Final = 256
"""So many sessions are looked at as a whole each time."""

# A file that changed so lately can change again without its times showing it.
_RACY_NANOSECONDS: Final = 2_000_000_000

# So few sessions are read as quickly as their cache, and of many so small a share.
_UNSAVED: Final = 64
_UNSAVED_SHARE: Final = 1 / 32

# So many are put into an ordered list one by one more quickly than all of it is sorted.
_FEW: Final = 100

# What the system says of one file and not of the disk.
_ONE_FILE: Final = frozenset({errno.EACCES, errno.EPERM, errno.EIO})


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A session whose files cannot be trusted, and why."""

    session_id: str
    finding: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Every session that is not in the trash, oldest first, and by id those that cannot be trusted."""

    sessions: tuple[Summary, ...]
    corrupt: tuple[Corrupt, ...]


class Lister:
    """Lists the sessions of one store. Thread-safe; who asks while another looks gets what that one finds."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._clock = clock
        self._cache = ListCache(parts)
        self._lock = threading.Lock()
        self._store: str | None = None
        self._known: dict[str, Known] = {}
        self._unsaved = 0
        self._seen: set[str] = set()
        self._listing = Listing((), ())
        self._folders: tuple[Signature | None, ...] | None = None
        self._thorough_at = 0.0

    def list(self) -> Listing:
        """Every session; one that cannot be trusted hides no other."""
        # A folder that must not be used is no empty store.
        store = self._parts.root.identity()
        with self._lock:
            now, began = time.time_ns(), self._clock()
            thorough = self._begin(store) or began - self._thorough_at >= THOROUGH_SECONDS
            folders = self._folder_signatures()
            if thorough or folders != self._folders:
                self._folders = None
                self._listing = self._look(now, thorough=thorough)
                self._folders = folders if _is_settled(folders, now) else None
                self._thorough_at = began if thorough else self._thorough_at
                self._save(store)
            return self._listing

    def _begin(self, store: str) -> bool:
        """Whether nothing is known that a quick look could go by."""
        if store != self._store:
            self._known = self._cache.load(store)
            self._listing = Listing(tuple(sorted((one.summary for one in self._known.values()), key=order_of)), ())
            self._store, self._unsaved = store, 0
            return True
        return len(self._listing.sessions) <= SMALL

    def _folder_signatures(self) -> tuple[Signature | None, ...]:
        layout = self._parts.layout
        anchors = self._parts.guard.anchors.folders
        return tuple(self._signature(one) for one in (layout.live.folder, layout.trash.folder, *anchors))

    def _signature(self, path: Path) -> Signature | None:
        try:
            return signature_of(self._parts.fs.stat(path))
        except OSError:
            return None

    def _look(self, now: int, *, thorough: bool) -> Listing:
        # Before the heads: see Parts.gone.
        anchored = set(self._parts.guard.anchors.session_ids()) if thorough else self._seen
        heads, logs = self._files(thorough=thorough)
        known: dict[str, Known] = {}
        read: list[Summary] = []
        corrupt: list[Corrupt] = []
        for session_id, signature in heads.items():
            before = self._known.get(session_id)
            if before is not None and before.signature == signature and logs.get(session_id, -1) >= before.log_length:
                known[session_id] = before
                continue
            found = self._read(session_id, signature) if is_session_id(session_id) else None
            if isinstance(found, Corrupt):
                corrupt.append(found)
            elif found is not None:
                read.append(found.summary)
                if now - changed_at(signature) > _RACY_NANOSECONDS:
                    known[session_id] = found
                    self._unsaved += 1
        corrupt += self._gone(anchored - heads.keys())
        corrupt += [Corrupt(one, error.message) for one, error in self._parts.lost()]
        sessions = self._in_order(known, read)
        self._known, self._seen = known, heads.keys() | {one.session_id for one in corrupt}
        return Listing(sessions, tuple(sorted(corrupt, key=lambda one: one.session_id)))

    def _files(self, *, thorough: bool) -> tuple[dict[str, Signature], dict[str, int]]:
        """The signatures of all heads, and how long the logs are; unless it is thorough only that they are there."""
        heads: dict[str, Signature] = {}
        logs: dict[str, int] = {}
        suffixes = (".json", ".jsonl") if thorough else (".json",)
        with suppress(FileNotFoundError, NotADirectoryError):
            for name, found in self._parts.fs.scan(self._parts.layout.live.folder, suffixes):
                if found is not None and name.endswith(".json"):
                    heads[name[:-5]] = signature_of(found)
                elif name.endswith(".jsonl"):
                    logs[name[:-6]] = sys.maxsize if found is None else _length(found)
        return heads, logs

    def _read(self, session_id: str, signature: Signature) -> Known | Corrupt | None:
        """A session as its files say; None when it is gone by now, or on its way to the trash."""
        try:
            looked = self._parts.look(session_id)
        except CorruptStateError as error:
            return Corrupt(session_id, error.message)
        except OSError as error:
            if error.errno not in _ONE_FILE:
                raise
            return Corrupt(session_id, "torn: its file cannot be read")
        if looked is None or looked.deleted:
            return None
        return Known(signature, looked.page.log.length, summary_of(looked.page.session))

    def _gone(self, missing: set[str]) -> list[Corrupt]:
        trash = self._parts.ids_in(self._parts.layout.trash) if missing else ()
        return [Corrupt(one, error.message) for one, error in self._parts.gone(sorted(missing), set(trash))]

    def _in_order(self, known: dict[str, Known], read: list[Summary]) -> tuple[Summary, ...]:
        """What was known before and still is, and what was just read, oldest first."""
        sessions = [
            one
            for one in self._listing.sessions
            if (still := known.get(one.session_id)) is not None and still.summary is one
        ]
        if len(read) > _FEW:
            return tuple(sorted([*sessions, *read], key=order_of))
        for one in read:
            insort(sessions, one, key=order_of)
        return tuple(sessions)

    def _save(self, store: str) -> None:
        if self._unsaved > max(_UNSAVED, len(self._known) * _UNSAVED_SHARE):
            self._cache.save(store, self._known.values())
            self._unsaved = 0


def _is_settled(folders: Iterable[Signature | None], now: int) -> bool:
    """Whether any further change of the folders shows in their times."""
    return all(one is None or now - changed_at(one) > _RACY_NANOSECONDS for one in folders)


def _length(found: os.stat_result) -> int:
    return found.st_size if stat.S_ISREG(found.st_mode) else -1
