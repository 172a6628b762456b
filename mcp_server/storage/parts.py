"""What a store is made of, and how a session is found in it."""

from __future__ import annotations

import bisect
import difflib
import threading
from collections.abc import Callable, Container, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mcp_server.domain.events import Event
from mcp_server.domain.session import Session
from mcp_server.errors import CorruptStateError, NotFoundError
from mcp_server.storage.audit import Audit, audited
from mcp_server.storage.blobs import Blobs
from mcp_server.storage.durable import Outcome
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.findings import tampered
from mcp_server.storage.guard import Guard
from mcp_server.storage.head import Page
from mcp_server.storage.keys import Key, UserFolders
from mcp_server.storage.layout import Layout, Place, is_session_id
from mcp_server.storage.locks import Locks, stripe_of
from mcp_server.storage.log import Request
from mcp_server.storage.pages import Pages
from mcp_server.storage.root import Root
from mcp_server.storage.runs import Runs
from mcp_server.storage.starts import Starts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """A session and the folder that its files are in."""

    place: Place
    page: Page

    @property
    def deleted(self) -> bool:
        """Whether it is in the trash, or on its way there."""
        return self.page.session.deleted_at is not None


class Parts:
    """The rooms of one store, and the session in them. Making one touches nothing on disk."""

    def __init__(
        self,
        root: Path,
        user: UserFolders,
        *,
        lock_timeout: float,
        allow_network_fs: bool,
        stopping: threading.Event | None,
        fs: FileSystem,
    ) -> None:
        self.fs = fs
        self.user = user
        self.layout = Layout(root)
        self.locks = Locks(fs, self.layout.locks, timeout=lock_timeout, stopping=stopping)
        self.root = Root(fs, self.layout, self.locks, allow_network_fs=allow_network_fs)
        self.guard = Guard(fs, self.root, user, timeout=lock_timeout)
        self.pages = Pages(fs, self.layout, self.guard)
        self.blobs = Blobs(fs, self.layout)
        self.starts = Starts(fs, self.layout)
        self.runs = Runs(fs, self.layout)
        self.audit = Audit(fs, self.layout, self.locks, self.guard)

    def find(self, session_id: str) -> Found | None:
        """A session wherever it lies, or None; CorruptStateError unless its files can be trusted."""
        # Once more where it was not, since it may have been moved in between.
        for place in (self.layout.live, self.layout.trash, self.layout.live):
            page = self.pages.load(place, session_id)
            if page is not None:
                return Found(place, page)
        return None

    def exists(self, session_id: str) -> bool:
        """Whether there is a file under this id at all, live or in the trash."""
        for place in (self.layout.live, self.layout.trash, self.layout.live):
            with suppress(FileNotFoundError, NotADirectoryError):
                self.fs.stat(place.head(session_id))
                return True
        return False

    def look(self, session_id: str) -> Found | None:
        """``find`` for those who hold no lock."""
        return self.doubting(session_id, lambda: self.find(session_id))

    def doubting(self, session_id: str, read: Callable[[], T]) -> T:
        """What a reader without a lock finds. A doubt is looked at again while nobody writes.

        Files that a writer is about to move or replace can look wrong to someone who reads them one after the other.
        """
        try:
            return read()
        except CorruptStateError as finding:
            try:
                # Where the lock has never been made nobody has ever written.
                with self.locks.hold(stripe_of(session_id), create=False):
                    return read()
            except OSError:
                raise finding from None

    def session_ids(self) -> list[str]:
        """The ids of all sessions, in the trash or not, whether their files can be trusted or not."""
        return sorted({name for place in (self.layout.live, self.layout.trash) for name in self.ids_in(place)})

    def ids_in(self, place: Place) -> list[str]:
        """The ids of the sessions whose heads lie in a folder, sorted; none when there is no such folder."""
        try:
            names = self.fs.scandir(place.folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
        ids = (name.removesuffix(".json") for name in names if name.endswith(".json"))
        return sorted(name for name in ids if is_session_id(name))

    def gone(self, anchored: Iterable[str], there: Container[str]) -> Iterator[tuple[str, CorruptStateError]]:
        """Of the sessions that have an anchor those whose files are gone, though nobody deleted them.

        ``there`` are sessions whose files were seen after their anchors were, so that none is missed that is new.
        """
        for session_id in anchored:
            if session_id in there:
                continue
            try:
                anchor = self.guard.anchors.read(session_id)
            except CorruptStateError as error:
                yield session_id, error
                continue
            if anchor is not None and not anchor.deleted and not self.exists(session_id):
                yield session_id, tampered("its files are gone, though it was never deleted")

    def lost(self) -> Iterator[tuple[str, CorruptStateError]]:
        """The sessions that went with another store of this folder, the store's own id included."""
        for session_id in sorted(set(self.guard.lost())):
            if not self.exists(session_id):
                yield (
                    session_id,
                    tampered("its files are gone with the store that held them, though it was not deleted"),
                )

    def home(self, session: Session) -> Place:
        """The folder where a session's files belong."""
        return self.layout.live if session.deleted_at is None else self.layout.trash

    def require_live(self, found: Found | None, session_id: str) -> Found:
        """The session; NotFoundError when there is none or it is in the trash."""
        if found is not None and not found.deleted:
            return found
        if found is not None:
            raise deleted(session_id)
        anchor = self.guard.anchors.read(session_id)
        if anchor is not None and anchor.deleted:
            raise deleted(session_id)
        if anchor is not None or self.guard.is_lost(session_id):
            raise NotFoundError(
                f"The files of session {session_id} are gone, though it was never deleted.",
                remediation="Tell the person: `pos-workflow doctor` says what became of them, and `pos-workflow "
                "restore` brings them back from a backup. start begins a new session.",
            )
        raise NotFoundError(
            f"There is no session {session_id}.",
            remediation="Call list_sessions for the sessions there are, or start.",
            did_you_mean=self._like(session_id),
        )

    def _like(self, session_id: str) -> list[str]:
        """Ids that are written almost like this one. Looked for among its neighbours, since there may be very many."""
        ids = self.ids_in(self.layout.live)
        place = bisect.bisect(ids, session_id)
        return difflib.get_close_matches(session_id, ids[max(0, place - 50) : place + 50], cutoff=0.8)

    @contextmanager
    def locked(self, session_id: str) -> Generator[Outcome]:
        """Nobody else writes this session for the length of the block; OSError becomes StorageError."""
        with Outcome() as outcome, self.locks.hold(stripe_of(session_id)):
            yield outcome

    def settle(self, session_id: str) -> Found | None:
        """``find`` under the lock; a move to or from the trash that was left half done is finished."""
        found = self.find(session_id)
        if found is None:
            return None
        home = self.home(found.page.session)
        if found.place != home:
            self.move(session_id, found.place, home)
        return Found(home, found.page)

    def commit(
        self,
        place: Place,
        before: Page | None,
        session: Session,
        event: Event,
        request: Request | None,
        *,
        key: Key | None,
        outcome: Outcome,
    ) -> Page:
        """``Pages.commit``, with the audit log's line behind it, and the files then where they belong."""
        page = self.pages.commit(place, before, session, event, request, key=key, outcome=outcome)
        self.record(event, page, session)
        if place != self.home(session):
            self.move(session.session_id, place, self.home(session))
        return page

    def record(self, event: Event, page: Page, session: Session) -> None:
        """Add to the audit log what an event that was just committed leaves there, if it leaves a line."""
        line = audited(event, page.log.hash, session)
        if line is not None:
            self.audit.append(line)

    def move(self, session_id: str, source: Place, target: Place) -> None:
        """Take a session's files to another folder: the head last, since it says where they belong.

        A loss of power may leave either of them behind; whoever reads a log looks for it in both folders.
        """
        for old, new in (
            (source.log(session_id), target.log(session_id)),
            (source.head(session_id), target.head(session_id)),
        ):
            with suppress(FileNotFoundError):
                self.fs.replace(old, new)
        self.fs.fsync_dir(target.folder)
        self.fs.fsync_dir(source.folder)


def deleted(session_id: str) -> NotFoundError:
    """The answer to whoever asks for a session in the trash."""
    return NotFoundError(
        f"Session {session_id} was deleted.",
        remediation="A person can bring it back (pos-workflow undelete); start begins a new one.",
    )
