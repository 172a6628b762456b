"""Restoring: sessions become what a backup says they were, as one more event of each, beside others that go on working.

A session that can be trusted, here and in the archive, keeps its log: an event that carries the archived session is
added to it, in one commit like any other. Where the files here are gone or cannot be trusted, the archive's take their
place first. What cannot be trusted in the archive itself, such as sessions that another user's key has sealed, is put
back as it is where nothing of that id is here, and stays unusable until a person accepts it.

Sessions that the archive does not hold are left alone. Repeating a restore that was interrupted finishes it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mcp_server.domain import machine
from mcp_server.domain.authority import Authority
from mcp_server.domain.events import SessionRestored
from mcp_server.errors import CorruptStateError, StorageError
from mcp_server.storage.archive import (
    AUDIT,
    Archive,
    Contained,
    Manifest,
    Progress,
    blob_name,
    head_name,
    opened_archive,
)
from mcp_server.storage.backup import Backup, Backups, no_archive, silent
from mcp_server.storage.durable import Outcome, write_file
from mcp_server.storage.head import Page
from mcp_server.storage.layout import Place
from mcp_server.storage.locks import stripe_of_digest
from mcp_server.storage.naming import named_in, reached
from mcp_server.storage.parts import Found, Parts
from mcp_server.storage.restore_plan import Plan, Step, Wanted, changed, step_of
from mcp_server.storage.starts import session_begun
from mcp_server.storage.verification import Verifier, VerifyReport, require_whole


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done, where the state before it was saved (None: there was none), and whether all is well now."""

    steps: tuple[Step, ...]
    saved: Backup | None
    report: VerifyReport


@contextmanager
def opened_restore(
    parts: Parts, path: Path, session_id: str | None = None, progress: Progress = silent
) -> Generator[Restore]:
    """A restore of all sessions of an archive, or of one. The archive is read from end to end first.

    Raises CorruptStateError for what is no sound archive, NotFoundError when it, or the session in it, is not there.
    """
    with ExitStack() as stack:
        with Outcome():
            try:
                archive = stack.enter_context(opened_archive(parts.fs, path))
            except FileNotFoundError:
                raise no_archive() from None
            archive.check(progress)
        yield Restore(parts, archive, path, session_id)


class Restore:
    """One restore of a store from one archive, which has been checked. Methods raise as those of a store do."""

    def __init__(self, parts: Parts, archive: Archive, path: Path, session_id: str | None) -> None:
        self._parts = parts
        self._archive = archive
        self._plan = Plan(parts, archive, path, session_id)
        self._only = session_id

    @property
    def manifest(self) -> Manifest:
        """What the archive says of itself."""
        return self._archive.manifest

    @property
    def sealed(self) -> bool:
        """Whether this user's key has sealed the archive, and nobody changed it since."""
        with Outcome():
            return self._archive.sealed_by(self._parts.guard.keys.find())

    @property
    def from_another_store(self) -> bool:
        """Whether the archive was made of another store than this one."""
        with Outcome():
            here = self._parts.root.identity()
        return bool(here) and here != self.manifest.store

    def plan(self, progress: Progress = silent) -> tuple[Step, ...]:
        """What a restore would do to each session. Nothing is changed."""
        with Outcome():
            self._parts.root.identity()
            return self._plan.steps(progress)

    def run(self, *, at: datetime, authority: Authority, progress: Progress = silent) -> Restored:
        """Save the present state, then restore. A StorageError ``unchanged`` means that no session was touched."""
        parts = self._parts
        with Outcome():
            there = bool(parts.root.identity()) or bool(parts.session_ids())
        saved = Backups(parts).make(None, at=at, kind="before_restore", progress=progress) if there else None
        with Outcome():
            parts.root.make(adopted=self.manifest.store)
            self._put_values(progress)
            self._put_starts()
            if self._only is None:
                self._put_audit()
        steps: list[Step] = []
        try:
            with Outcome():
                for number, one in enumerate(self._plan.chosen):
                    progress("Restoring sessions", number, len(self._plan.chosen))
                    steps.append(self._restore(self._plan.wanted(one), at, authority))
                report = Verifier(parts).verify(self._only)
        except StorageError as error:
            if not changed(steps):
                raise
            raise StorageError(error.message, outcome="unknown") from error
        return Restored(tuple(steps), saved, report)

    def _put_values(self, progress: Progress) -> None:
        """Store every blob that the chosen sessions name. They are there before anything names them."""
        there = {name.rpartition("/")[2] for name in self.manifest.members if name.startswith("blobs/")}
        names: set[str] = set()
        for one in self._plan.chosen:
            for name in self._files(one):
                names |= named_in(self._archive.read(name))
        for number, (name, content) in enumerate(reached(names, there, self._blob)):
            progress("Restoring values", number, len(there))
            self._parts.blobs.put({name: content})

    def _blob(self, name: str) -> bytes:
        return self._archive.read(blob_name(name))

    def _put_starts(self) -> None:
        """Remember again which requests began the chosen sessions, where nothing else is remembered of them."""
        parts = self._parts
        chosen = {one.session_id for one in self._plan.chosen}
        for name in self.manifest.members:
            folder, _, digest = name.partition("/")
            if folder != "starts" or session_begun(self._archive.read(name)) not in chosen:
                continue
            with parts.locks.hold(stripe_of_digest(digest)):
                try:
                    parts.fs.stat(parts.layout.starts / digest)
                except FileNotFoundError:
                    write_file(parts.fs, parts.layout.starts / digest, self._archive.read(name))

    def _put_audit(self) -> None:
        """Put the audit log back where there is none or it cannot be trusted; one that can knows more.

        Where it is known how far the log went, an archive that anybody may have edited does not take its place.
        """
        parts = self._parts
        try:
            if parts.audit.read() or not (self.sealed or parts.guard.anchors.read_audit() is None):
                return
        except CorruptStateError:
            if not self.sealed:
                return
        if AUDIT not in self.manifest.members:
            return
        with suppress(CorruptStateError):
            self._plan.view.audit.read()
            write_file(parts.fs, parts.layout.audit, self._archive.read(AUDIT))
            parts.audit.accept()

    def _files(self, one: Contained) -> list[str]:
        name = head_name(one.session_id, deleted=one.deleted)
        return [file for file in (f"{name}l", name) if file in self.manifest.members]

    def _restore(self, wanted: Wanted, at: datetime, authority: Authority) -> Step:
        """Restore one session, under its lock."""
        parts, session_id = self._parts, wanted.contained.session_id
        with Outcome():
            # Before the lock: a doubt takes it.
            untrusted = self._plan.here(session_id)
        with parts.locked(session_id) as outcome:
            here = untrusted if isinstance(untrusted, str) else self._settled(session_id, outcome)
            step = step_of(wanted, here, exists=here is not None or parts.exists(session_id))
            if step.does == "as_it_is":
                outcome.committing()
                self._put_files(wanted.contained)
            elif wanted.found is not None and step.does != "unchanged":
                self._commit(wanted.found, here if isinstance(here, Found) else None, at, authority, outcome)
            if wanted.found is not None:
                # Whatever was done to it, it lies now where the archived one belongs.
                home = parts.home(wanted.found.page.session)
                self._clear(parts.layout.live if home == parts.layout.trash else parts.layout.trash, session_id)
            return step

    def _settled(self, session_id: str, outcome: Outcome) -> Found | str | None:
        """A session as it is here, under its lock."""
        parts = self._parts
        try:
            found = parts.settle(session_id)
            if found is not None and isinstance(require_whole(parts, found)[-1].event, SessionRestored):
                # Whoever restored it may have died before that was durable.
                parts.pages.write(found.place, found.page, outcome)
        except CorruptStateError as error:
            return error.message
        return found

    def _put_files(self, one: Contained) -> None:
        """Put files into their place as they are: the log first, since the head speaks of it."""
        place = self._place(one)
        for name in self._files(one):
            path = place.log(one.session_id) if name.endswith("l") else place.head(one.session_id)
            write_file(self._parts.fs, path, self._archive.read(name))

    def _place(self, one: Contained) -> Place:
        return self._parts.layout.trash if one.deleted else self._parts.layout.live

    def _commit(self, wanted: Found, here: Found | None, at: datetime, authority: Authority, outcome: Outcome) -> None:
        parts, archived = self._parts, wanted.page.session
        session_id = archived.session_id
        key = parts.guard.key_to_seal()
        version = max(archived.version, self._newest(session_id, here))
        session = archived.model_copy(update={"version": version})
        event = SessionRestored(at=at, backed_up_at=self.manifest.created_at, session=session, authority=authority)
        if here is not None:
            at = max(at, here.page.session.last_updated)
            event = event.model_copy(update={"at": at})
            place, before = here.place, here.page
            if place == parts.layout.trash and parts.home(archived) == parts.layout.live:
                # Before the commit: a list of the sessions looks for the live ones in one folder only.
                parts.move(session_id, place, parts.layout.live)
                place = parts.layout.live
        else:
            place, before = parts.home(archived), self._relaid(wanted)
        after = machine.apply(before.session, event)
        parts.commit(place, before, after, event, None, key=key, outcome=outcome)

    def _relaid(self, wanted: Found) -> Page:
        """The archive's page to go on from, its log in the place of whatever is here."""
        parts, page = self._parts, wanted.page
        session_id = page.session.session_id
        log = self._plan.view.pages.read_raw_log(wanted.place, session_id, page.log.length)
        write_file(parts.fs, parts.home(page.session).log(session_id), log)
        return page

    def _newest(self, session_id: str, here: Found | None) -> int:
        """The newest version that was ever known of a session."""
        version = here.page.session.version if here is not None else 0
        for _ in range(2):
            # A version that is forgotten is handed out again, so a single refusal by the system is not believed.
            with suppress(CorruptStateError):
                anchor = self._parts.guard.anchors.read(session_id)
                version = max(version, anchor.version if anchor is not None else 0)
        return version

    def _clear(self, place: Place, session_id: str) -> None:
        """Remove what files that could not be trusted have left in the other place; the backup made before has them."""
        fs = self._parts.fs
        for path in (place.head(session_id), place.log(session_id)):
            with suppress(FileNotFoundError):
                fs.unlink(path)
                fs.fsync_dir(place.folder)
