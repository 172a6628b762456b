"""Backups: everything that a store holds, each session as it was at one moment, in one file that was read again.

Nobody is stopped for one. What is copied is what a store cannot do without: its id, the sessions with their logs, in
the trash too, the blobs that these name, what was begun under which request, and the audit log. Locks, runs, the
quarantine and other backups stay out, and so do the key and the anchors, which never leave the user's own folder.
"""

from __future__ import annotations

import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from mcp_server.errors import ConfigurationError, CorruptStateError, InvalidArgumentError, NotFoundError
from mcp_server.storage.archive import (
    AUDIT,
    IDENTITY,
    Archive,
    ArchiveWriter,
    Contained,
    Kind,
    Manifest,
    Progress,
    blob_name,
    opened_archive,
    written_archive,
)
from mcp_server.storage.archive_view import archived_parts
from mcp_server.storage.copying import copied
from mcp_server.storage.durable import Outcome, discard, make_folders, make_private, opened, publish, read_file
from mcp_server.storage.filesystem import CREATE_NEW
from mcp_server.storage.layout import is_digest
from mcp_server.storage.listing import Corrupt
from mcp_server.storage.naming import named_in, names_in, reached, stored_blobs
from mcp_server.storage.parts import Parts
from mcp_server.storage.verification import Verifier

_SUFFIX: Final = ".zip"


def silent(_doing: str, _done: int, _of: int) -> None:
    """The progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup on the disk: where, how large, what it holds, and the sessions in it that cannot be trusted."""

    path: Path
    size: int
    manifest: Manifest
    corrupt: tuple[Corrupt, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file among the backups that is none, or not any more."""

    path: Path
    finding: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of the backups: those that stay, those that were removed, and those that were not touched."""

    kept: tuple[Backup, ...]
    removed: tuple[Backup, ...]
    unreadable: tuple[Unreadable, ...]


class Backups:
    """The backups of one store.

    Every method may raise ConfigurationError (the folder must not be used) and StorageError (the disk said no); then
    there is no new backup, and every other one is as it was.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def make(self, target: Path | None, *, at: datetime, kind: Kind = "backup", progress: Progress = silent) -> Backup:
        """Copy the store into a new file, read it again, and give it its name; without ``target`` among the backups.

        ``target`` is a folder, or the path of a file that is not there yet. Raises NotFoundError where there is no
        store, InvalidArgumentError for a target that is taken or nowhere.
        """
        parts = self._parts
        with Outcome("The session store, or the place for the backup,"):
            parts.root.identity()
            path = self._path(target, at, kind)
            temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
            try:
                with opened(parts.fs, temporary, CREATE_NEW) as fd:
                    make_private(parts.fs, temporary, 0o600)
                    with written_archive(parts.fs, fd, at) as archive:
                        self._fill(archive, kind, progress)
                checked = self.verify(temporary, progress)
            except BaseException:
                discard(parts.fs, temporary)
                raise
            publish(parts.fs, temporary, path)
            return Backup(path, checked.size, checked.manifest, checked.corrupt)

    def verify(self, path: Path, progress: Progress = silent) -> Backup:
        """Read a backup from end to end, and look at every session in it as at one of a store.

        Raises CorruptStateError for a file that is no backup or is damaged, NotFoundError when it is not there.
        """
        with Outcome():
            try:
                with opened_archive(self._parts.fs, path) as archive:
                    archive.check(progress)
                    corrupt = self._corrupt(archive, path, progress)
                    return Backup(path, self._parts.fs.stat(path).st_size, archive.manifest, corrupt)
            except FileNotFoundError:
                raise no_archive() from None

    def list(self) -> tuple[tuple[Backup, ...], tuple[Unreadable, ...]]:
        """The backups in the store's own folder, the newest first, and what is no backup there. Only lists are read."""
        found: list[Backup] = []
        unreadable: list[Unreadable] = []
        fs, folder = self._parts.fs, self._parts.layout.backups
        with Outcome():
            self._parts.root.identity()
            self._require_own_folder()
            for name in names_in(fs, folder):
                if name.startswith(".") or not name.endswith(_SUFFIX):
                    continue
                try:
                    with opened_archive(fs, folder / name) as archive:
                        found.append(Backup(folder / name, fs.stat(folder / name).st_size, archive.manifest))
                except CorruptStateError as error:
                    unreadable.append(Unreadable(folder / name, error.message))
        found.sort(key=lambda one: (one.manifest.created_at, one.path.name), reverse=True)
        return tuple(found), tuple(unreadable)

    def prune(self, keep: int, progress: Progress = silent) -> Pruned:
        """Remove all backups but the newest ``keep``, which are verified before anything is removed.

        What is damaged is no backup: it is neither counted nor removed.
        """
        backups, bad = self.list()
        kept: list[Backup] = []
        unreadable = list(bad)
        rest = list(backups)
        while rest and len(kept) < keep:
            one = rest.pop(0)
            try:
                kept.append(self.verify(one.path, progress))
            except CorruptStateError as error:
                unreadable.append(Unreadable(one.path, error.message))
        with Outcome():
            for one in rest:
                with suppress(FileNotFoundError):
                    self._parts.fs.unlink(one.path)
            if rest:
                self._parts.fs.fsync_dir(self._parts.layout.backups)
        return Pruned(tuple(kept), tuple(rest), tuple(unreadable))

    def _path(self, target: Path | None, at: datetime, kind: Kind) -> Path:
        parts = self._parts
        try:
            parts.fs.stat(parts.layout.root)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError("There is no store here yet, so nothing to back up.", remediation="") from None
        name = f"{kind.replace('_', '-')}-{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}{_SUFFIX}"
        if target is None:
            make_folders(parts.fs, parts.layout.backups)
            self._require_own_folder()
            return parts.layout.backups / name
        try:
            found = parts.fs.stat(parts.fs.resolve(target))
        except (FileNotFoundError, NotADirectoryError):
            return self._new_file(target)
        if not stat.S_ISDIR(found.st_mode):
            raise _no_target("there is a file of this name, and none is ever overwritten")
        return target / name

    def _require_own_folder(self) -> None:
        """A link would have backups written, and pruned, in another place."""
        with suppress(FileNotFoundError, NotADirectoryError):
            if not stat.S_ISDIR(self._parts.fs.stat(self._parts.layout.backups).st_mode):
                raise ConfigurationError(
                    "backups in the state folder is not a folder of its own.",
                    remediation="Remove it, or give backup another place to write to.",
                )

    def _new_file(self, target: Path) -> Path:
        try:
            if stat.S_ISDIR(self._parts.fs.stat(self._parts.fs.resolve(target.parent)).st_mode):
                return target
        except (FileNotFoundError, NotADirectoryError):
            pass
        raise _no_target("there is no such folder")

    def _fill(self, archive: ArchiveWriter, kind: Kind, progress: Progress) -> Manifest:
        parts = self._parts
        names: set[str] = set()
        sessions: list[Contained] = []
        store = parts.root.identity()
        if store:
            archive.add(IDENTITY, read_file(parts.fs, parts.layout.identity))
        ids = parts.session_ids()
        for number, session_id in enumerate(ids):
            progress("Copying sessions", number, len(ids))
            copy = copied(parts, session_id)
            files = copy.files() if copy is not None else {}
            for name, content in files.items():
                archive.add(name, content)
                names |= named_in(content)
            if copy is not None and files:
                sessions.append(copy.contained)
        # Listed after the sessions were copied: whatever they name was stored before.
        there = stored_blobs(parts.fs, parts.layout)
        for number, (name, content) in enumerate(reached(names, there, self._blob)):
            progress("Copying values", number, len(there))
            archive.add(blob_name(name), content)
        self._add_starts(archive)
        with suppress(FileNotFoundError):
            raw = read_file(parts.fs, parts.layout.audit)
            # What follows the last line may be half of the next.
            archive.add(AUDIT, raw[: raw.rfind(b"\n") + 1])
        return archive.finish(kind, store, tuple(sessions), parts.guard.keys.find())

    def _add_starts(self, archive: ArchiveWriter) -> None:
        parts = self._parts
        for name in filter(is_digest, names_in(parts.fs, parts.layout.starts)):
            with suppress(FileNotFoundError):
                archive.add(f"starts/{name}", read_file(parts.fs, parts.layout.starts / name))

    def _blob(self, name: str) -> bytes:
        try:
            return self._parts.blobs.get(name)
        except CorruptStateError:
            # The sessions that need it are told of when the backup is read again.
            return b""

    def _corrupt(self, archive: Archive, path: Path, progress: Progress) -> tuple[Corrupt, ...]:
        """The sessions that could not be trusted when they were copied, or that cannot be as they lie here."""
        verifier = Verifier(archived_parts(self._parts.fs, archive, path, self._parts.user))
        corrupt: list[Corrupt] = []
        sessions = archive.manifest.sessions
        for number, one in enumerate(sessions):
            progress("Checking sessions", number, len(sessions))
            if one.finding is not None:
                corrupt.append(Corrupt(one.session_id, one.finding))
                continue
            try:
                corrupt += verifier.verify(one.session_id).corrupt
            except NotFoundError:
                corrupt.append(Corrupt(one.session_id, "torn: its head is missing"))
        return tuple(corrupt)


def no_archive() -> NotFoundError:
    """The answer to whoever names an archive that is not there."""
    return NotFoundError("There is no such archive.", remediation="pos-workflow backups list shows those there are.")


def _no_target(problem: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        [{"field": "DEST", "problem": problem}],
        remediation="Give an existing folder, or the path of a new file in one.",
    )
