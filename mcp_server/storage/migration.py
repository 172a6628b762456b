"""Writing every session of a store in the present form of its file, at once instead of each at its next change.

All locks are held, and a verified backup lies on the disk before the first byte changes. Whatever goes wrong, every
file is put back as it was, and that is verified too.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from mcp_server.domain import machine
from mcp_server.domain.events import SessionMigrated
from mcp_server.domain.session import SCHEMA_VERSION
from mcp_server.errors import CorruptStateError, PosWorkflowError, StorageError
from mcp_server.storage.archive import Progress
from mcp_server.storage.backup import Backups, silent
from mcp_server.storage.durable import Outcome, read_file
from mcp_server.storage.findings import tampered
from mcp_server.storage.head import Page, decode, encode
from mcp_server.storage.layout import sha256
from mcp_server.storage.listing import Corrupt
from mcp_server.storage.log import line_after
from mcp_server.storage.parts import Found, Parts
from mcp_server.storage.putting_back import PuttingBack
from mcp_server.storage.verification import require_whole
from mcp_server.storage.versions import version_of

PRESENT: Final = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Older:
    """A session whose file is of an older version."""

    session_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration does, or did: the sessions it concerns, how many need nothing, and those that it leaves alone.

    ``backup`` is where the store was copied to before.
    """

    older: tuple[Older, ...]
    present: int
    left: tuple[Corrupt, ...]
    backup: Path | None = None


class Migrator:
    """One migration of one store. Methods raise as those of the store do."""

    def __init__(self, parts: Parts, at: datetime, progress: Progress = silent) -> None:
        self._parts = parts
        self._at = at
        self._progress = progress

    def look(self) -> Migration:
        """Go through all of it in memory, to the last byte that would be written. Nothing is changed."""
        parts = self._parts
        older: list[Older] = []
        left: list[Corrupt] = []
        with Outcome():
            parts.root.identity()
            ids = parts.session_ids()
            for number, session_id in enumerate(ids):
                self._progress("Reading sessions", number, len(ids))
                try:
                    found = parts.look(session_id)
                    if found is not None and _version(found.page) != PRESENT:
                        self._rehearsed(found)
                        older.append(Older(session_id, _version(found.page)))
                except CorruptStateError as error:
                    left.append(Corrupt(session_id, error.message))
        return Migration(tuple(older), len(ids) - len(older) - len(left), tuple(left))

    def run(self) -> Migration:
        """Migrate all that can be; StorageError ``unchanged`` when something went wrong and all was put back."""
        parts = self._parts
        found = self.look()
        if not found.older:
            return found
        with Outcome():
            # Folders may be missing, of locks too, where a store was put back by hand.
            parts.root.make()
        with Outcome(), parts.locks.hold_all():
            # Again, since only now nobody changes anything.
            found = self.look()
            for one in found.older:
                parts.settle(one.session_id)
            backup = Backups(parts).make(None, at=self._at, kind="before_migration", progress=self._progress)
            before, logs = self._hashes(), {one.session_id: self._log(one.session_id) for one in found.older}
            putting_back = PuttingBack(parts)
            try:
                self._change(found.older, putting_back)
                self._compare(before, logs)
            except BaseException as error:
                self._put_back(putting_back, before, error)
                raise
        return replace(found, backup=backup.path)

    def _rehearsed(self, found: Found) -> None:
        """Make in memory what would be written, and read that again."""
        parts, page = self._parts, found.page
        require_whole(parts, found)
        event = SessionMigrated(at=self._at, from_schema=_version(page))
        after = machine.apply(page.session, event)
        _, mark = line_after(page.log, event, None)
        if decode(encode(after, page.store, mark, page.requests, None).raw).session != after:
            raise tampered("its file cannot be brought into the present form")

    def _change(self, older: Iterable[Older], putting_back: PuttingBack) -> None:
        parts = self._parts
        key = parts.guard.key_to_seal()
        todo = list(older)
        for number, one in enumerate(todo):
            self._progress("Migrating sessions", number, len(todo))
            found = parts.find(one.session_id)
            if found is None:
                continue
            putting_back.remember(found)
            event = SessionMigrated(at=self._at, from_schema=one.version)
            after = machine.apply(found.page.session, event)
            page = parts.pages.commit(found.place, found.page, after, event, None, key=key, outcome=Outcome())
            parts.record(event, page, after)

    def _compare(self, before: dict[Path, str], logs: dict[str, str]) -> None:
        """Raise CorruptStateError unless what was migrated says what it said, and everything else is as it was."""
        parts = self._parts
        changed: set[Path] = set()
        for session_id, log in logs.items():
            found = parts.find(session_id)
            if found is None or _version(found.page) != PRESENT:
                raise tampered(f"{session_id} was not migrated")
            require_whole(parts, found)
            if sha256(parts.pages.read_raw_log(found.place, session_id, found.page.log.last)) != log:
                raise tampered(f"the log of {session_id} does not begin as it was")
            changed |= {found.place.head(session_id), found.place.log(session_id)}
        after = self._hashes()
        for path in before.keys() | after.keys():
            if path not in changed and before.get(path) != after.get(path):
                raise tampered(f"{path.name} is not as it was")

    def _put_back(self, putting_back: PuttingBack, before: dict[Path, str], error: BaseException) -> None:
        try:
            putting_back.all()
            same = self._hashes() == before
        except (OSError, PosWorkflowError):
            same = False
        if not same:
            raise StorageError(
                "The migration failed, and what it had changed could not be put back. Every session is as it was or "
                "migrated; the backup that was made before lies in the state folder (backups/).",
                outcome="unknown",
            ) from error
        if isinstance(error, Exception):
            raise StorageError("The migration failed, and every file was put back.", outcome="unchanged") from error

    def _log(self, session_id: str) -> str:
        """What the valid part of a session's log holds."""
        found = self._parts.find(session_id)
        return sha256(self._parts.pages.read_raw_log(found.place, session_id, found.page.log.length)) if found else ""

    def _hashes(self) -> dict[Path, str]:
        """What every head and log holds now."""
        parts = self._parts
        found: dict[Path, str] = {}
        for session_id in parts.session_ids():
            for place in (parts.layout.live, parts.layout.trash):
                for path in (place.head(session_id), place.log(session_id)):
                    with suppress(FileNotFoundError, IsADirectoryError):
                        found[path] = sha256(read_file(parts.fs, path))
        return found


def _version(page: Page) -> int:
    return version_of(orjson.loads(page.raw)) or 0
