"""Cleaning up: what has been in the trash for long enough, and what nothing names any more.

It is safe while others work. Whatever was written less than a day ago is spared, since somebody may be about to name
it; storing a value that is there makes it young again. What belongs to a session or a request goes under its lock. The
quarantine and the backups are left alone, and so are all values while any session cannot be trusted: a person may yet
put its files right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from mcp_server.errors import CorruptStateError
from mcp_server.storage.archive import Progress
from mcp_server.storage.audit import AuditLine
from mcp_server.storage.backup import silent
from mcp_server.storage.durable import Outcome, opened
from mcp_server.storage.filesystem import WRITE
from mcp_server.storage.layout import Place, is_digest, is_session_id, sha256
from mcp_server.storage.locks import stripe_of_digest
from mcp_server.storage.marking import blobs_kept, raw, session_files
from mcp_server.storage.naming import names_in, stored_blobs
from mcp_server.storage.parts import Found, Parts
from mcp_server.storage.starts import session_begun
from mcp_server.storage.sweeping import finish_sweep, old_size, sweep

KEPT_IN_TRASH: Final = timedelta(days=30)

_TEMPORARY: Final = re.compile(r"\.[0-9a-f]{16}\.tmp\Z")

What = Literal["deleted session", "log without a session", "start", "run", "temporary file", "value"]


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something that goes: a session by its id, everything else by its path in the store (by its name if it is an
    anchor's); its size in bytes."""

    what: What
    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What went, or would go, and the sessions that cannot be trusted, for whose sake no value did."""

    garbage: tuple[Garbage, ...]
    doubtful: tuple[str, ...]


class Collection:
    """One clean-up of a store. A StorageError in the midst of one leaves nothing half removed; repeating it goes on."""

    def __init__(self, parts: Parts, now: datetime, *, remove: bool, progress: Progress = silent) -> None:
        self._parts = parts
        self._now = now
        self._remove = remove
        self._progress = progress
        self._purged: set[str] = set()
        self._outcome = Outcome()

    def run(self) -> Collected:
        """Find what can go, and remove it if that was asked for."""
        parts = self._parts
        with Outcome() as self._outcome:
            if not parts.root.identity():
                return Collected((), ())
            if self._remove:
                finish_sweep(parts.fs, parts.layout)
            # Before anything is read: what is old now and named by nobody then, nobody can be about to name.
            sizes = {name: self._old(self._blob(name)) for name in stored_blobs(parts.fs, parts.layout)}
            old = {name: size for name, size in sizes.items() if size is not None}
            garbage = [*self._trash(), *self._logs(), *self._starts(), *self._runs(), *self._temporary_files()]
            doubtful = tuple(self._doubtful())
            if not doubtful:
                garbage += self._values(old)
        return Collected(tuple(garbage), doubtful)

    def _trash(self) -> Iterator[Garbage]:
        parts = self._parts
        ids = parts.ids_in(parts.layout.trash)
        for number, session_id in enumerate(ids):
            self._progress("Looking at the trash", number, len(ids))
            with suppress(CorruptStateError):
                found = parts.look(session_id)
                if found is None or not self._expired(found):
                    continue
                paths = (parts.layout.trash.head(session_id), parts.layout.trash.log(session_id))
                size = sum(self._size(path) for path in paths)
                if not self._remove or self._purge(session_id):
                    self._purged.add(session_id)
                    yield Garbage("deleted session", session_id, size)

    def _expired(self, found: Found) -> bool:
        deleted_at = found.page.session.deleted_at
        return deleted_at is not None and self._now - deleted_at >= KEPT_IN_TRASH

    def _purge(self, session_id: str) -> bool:
        """Remove a session for good, unless somebody took it out of the trash. Its anchor stays, so its id does too."""
        parts = self._parts
        with parts.locked(session_id) as outcome:
            found = parts.settle(session_id)
            if found is None or not self._expired(found):
                return False
            outcome.committing()
            self._outcome.committing()
            # A crash may have left the anchor behind, and then the files would seem to have been taken away.
            parts.guard.anchor(found.page)
            session, event = found.page.session, sha256(f"purged {found.page.log.hash}".encode())
            line = AuditLine(
                kind="purged", session_id=session_id, at=self._now, version=session.version, reason=None, event=event
            )
            parts.audit.append(line, once=True)
            # The head first: a log alone is nothing, and is found again.
            for path in (found.place.head(session_id), found.place.log(session_id)):
                self._unlink(path)
        return True

    def _logs(self) -> Iterator[Garbage]:
        """Logs that a start left whose session was never committed, or a purge that was interrupted."""
        parts = self._parts
        for place in (parts.layout.live, parts.layout.trash):
            for name in names_in(parts.fs, place.folder):
                session_id = name.removesuffix(".jsonl")
                if name == session_id or not is_session_id(session_id) or not self._is_leftover(place, session_id):
                    continue
                yield from self._take(
                    "log without a session",
                    place.log(session_id),
                    lock=stripe_of_digest(sha256(session_id.encode())),
                    still=lambda place=place, one=session_id: self._is_leftover(place, one),
                )

    def _is_leftover(self, place: Place, session_id: str) -> bool:
        parts = self._parts
        if parts.exists(session_id) or session_id in self._purged:
            return False
        if not self._is_over(session_id):
            return False
        with suppress(CorruptStateError):
            if parts.guard.anchors.read(session_id) is not None:
                return True
            return parts.pages.read_raw_log(place, session_id).count(b"\n") <= 1
        return False

    def _is_over(self, session_id: str) -> bool:
        """Whether a session that is not here was purged, or never came to be; not, that its files were taken away."""
        with suppress(CorruptStateError):
            anchor = self._parts.guard.anchors.read(session_id)
            return anchor is None or anchor.deleted
        return False

    def _starts(self) -> Iterator[Garbage]:
        parts = self._parts
        for name in filter(is_digest, names_in(parts.fs, parts.layout.starts)):
            path = parts.layout.starts / name
            if self._old(path) is not None and self._begins_nothing(path):
                yield from self._take(
                    "start", path, lock=stripe_of_digest(name), still=lambda path=path: self._begins_nothing(path)
                )

    def _begins_nothing(self, path: Path) -> bool:
        session_id = session_begun(raw(self._parts, path) or b"")
        if session_id is None or not is_session_id(session_id):
            return False
        if session_id in self._purged:
            return True
        return not self._parts.exists(session_id) and self._is_over(session_id)

    def _runs(self) -> Iterator[Garbage]:
        """The files of runs that nobody holds and no session speaks of; a run's name is never used again."""
        parts = self._parts
        names = [
            name for name in names_in(parts.fs, parts.layout.runs) if self._old(parts.layout.runs / name) is not None
        ]
        if not names:
            return
        heads = [raw(parts, path) or b"" for path in session_files(parts, ".json", but=self._purged)]
        for name in names:
            path = parts.layout.runs / name
            if any(name.encode() in head for head in heads):
                continue
            with suppress(FileNotFoundError), opened(parts.fs, path, WRITE) as fd:
                if parts.fs.lock(fd):
                    yield from self._take("run", path)

    def _temporary_files(self) -> Iterator[Garbage]:
        """What writers left that died."""
        parts, layout = self._parts, self._parts.layout
        folders = [layout.root, layout.live.folder, layout.trash.folder, layout.starts, layout.quarantine]
        folders += [layout.backups, layout.list_cache.parent, *parts.guard.anchors.folders]
        folders += [layout.blobs / name for name in names_in(parts.fs, layout.blobs)]
        for folder in folders:
            for name in filter(_TEMPORARY.match, names_in(parts.fs, folder)):
                yield from self._take("temporary file", folder / name)

    def _doubtful(self) -> Iterator[str]:
        """The sessions that cannot be trusted."""
        parts = self._parts
        anchored = parts.guard.anchors.session_ids()
        ids = parts.session_ids()
        for number, session_id in enumerate(ids):
            self._progress("Looking at sessions", number, len(ids))
            try:
                parts.look(session_id)
            except CorruptStateError:
                yield session_id
        yield from (session_id for session_id, _ in parts.gone(anchored, {*ids, *self._purged}))

    def _values(self, old: dict[str, int]) -> Iterator[Garbage]:
        """The blobs among the ``old`` ones that no session names, and no other value that is named."""
        parts = self._parts
        kept = blobs_kept(parts, self._purged)
        swept = sorted(old.keys() - kept)
        for number, name in enumerate(swept):
            self._progress("Removing values", number, len(swept))
            path = self._blob(name)
            if self._remove:
                self._outcome.committing()
            if not self._remove or sweep(parts.fs, path, lambda one: self._old(one) is not None):
                yield Garbage("value", str(path.relative_to(parts.layout.root)), old[name])

    def _take(
        self, what: What, path: Path, lock: str | None = None, still: Callable[[], bool] = lambda: True
    ) -> Iterator[Garbage]:
        """An old file, removed if that was asked for; under a lock only if it is ``still`` so there."""
        size = self._old(path)
        if size is None:
            return
        if self._remove and lock is not None:
            with self._parts.locks.hold(lock):
                if self._old(path) is None or not still():
                    return
                self._unlink(path)
        elif self._remove:
            self._unlink(path)
        root = self._parts.layout.root
        yield Garbage(what, str(path.relative_to(root)) if path.is_relative_to(root) else path.name, size)

    def _old(self, path: Path) -> int | None:
        """The size of a file that was written more than a day ago; None for a younger one."""
        return old_size(self._parts.fs, path, self._now)

    def _size(self, path: Path) -> int:
        with suppress(FileNotFoundError):
            return self._parts.fs.stat(path).st_size
        return 0

    def _blob(self, name: str) -> Path:
        return self._parts.layout.blob(name)

    def _unlink(self, path: Path) -> None:
        self._outcome.committing()
        with suppress(FileNotFoundError):
            self._parts.fs.unlink(path)
            self._parts.fs.fsync_dir(path.parent)
