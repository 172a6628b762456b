"""What the storage tests build with: sessions, events, stores in a folder, and a disk that fails when told to."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from mcp_server.domain import machine
from mcp_server.domain.events import Event, GateRefused, Paused, PhaseCompleted, Resumed, RolledBack, SessionStarted
from mcp_server.domain.session import DefinitionRef, Evidence, Session, Status
from mcp_server.storage.anchors import Anchor
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.head import encode
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.layout import sha256
from mcp_server.storage.log import NOTHING, Request, line_after
from mcp_server.storage.parts import Parts
from mcp_server.storage.store import Store

BEGIN: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEFINITION: Final = b"the pinned definition"
BLOBS: Final = {sha256(DEFINITION): DEFINITION}


@dataclass(frozen=True)
class Site:
    """One project's state folder and one user's folders."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "project" / "state"

    @property
    def user(self) -> UserFolders:
        return UserFolders(self.folder / "user" / "config", self.folder / "user" / "data")

    def store(self, **options: Any) -> Store:
        return Store(self.root, self.user, **options)

    def head(self, session_id: str = "one", *, place: str = "workflows") -> Path:
        return self.root / place / f"{session_id}.json"

    def log(self, session_id: str = "one", *, place: str = "workflows") -> Path:
        return self.root / place / f"{session_id}.jsonl"

    def anchor(self, session_id: str = "one") -> Path:
        (path,) = self.user.data.glob(f"stores/*/sessions/{session_id}.json")
        return path

    def contents(self) -> dict[str, bytes]:
        """Every file, the lock files too, by its path."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def save(self, name: str) -> None:
        shutil.copytree(self.folder, self.folder.parent / name)

    def restore(self, name: str) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.parent / name, self.folder)


def parts(store: Store) -> Parts:
    """What the store is made of, for tests that stand where only a crash or an intruder would."""
    return store._parts  # pyright: ignore[reportPrivateUsage]


def started(session_id: str = "one", **changes: Any) -> SessionStarted:
    facts: dict[str, Any] = {
        "at": BEGIN,
        "session_id": session_id,
        "workflow_type": "build",
        "target_file": "src/app.py",
        "definition": DefinitionRef(digest=sha256(DEFINITION), version="1.0", name="build", source="bundled"),
        "phases": (1, 2, 3),
        "first_phase": 1,
        "options": Evidence(),
    }
    return SessionStarted(**(facts | changes))


def begun(store: Store, session_id: str = "one", *, request: Request | None = None) -> Session:
    return store.create(started(session_id), request=request, blobs=BLOBS).session


def at(session: Session) -> datetime:
    """A moment after everything that the session has seen."""
    return session.last_updated + timedelta(seconds=1)


def completing(evidence: Evidence | None = None) -> Callable[[Session], Event]:
    def decide(session: Session) -> Event:
        return PhaseCompleted(
            at=at(session),
            phase=session.current_phase,
            attempt=session.record.attempt + 1,
            evidence=evidence or Evidence(),
            basis="attested",
            next_phase=session.current_phase + 1,
        )

    return decide


def refusing(evidence: Evidence | None = None) -> Callable[[Session], Event]:
    def decide(session: Session) -> Event:
        return GateRefused(
            at=at(session),
            phase=session.current_phase,
            attempt=session.record.attempt + 1,
            evidence=evidence or Evidence(),
            missing=("tests_pass",),
            findings=(),
            outstanding=("tests_pass",),
            fingerprint="f",
        )

    return decide


def toggling(session: Session) -> Event:
    """An event that is legal again and again."""
    if session.session_status is Status.PAUSED:
        return Resumed(at=at(session), paused_seconds=1.0)
    return Paused(at=at(session), note="a pause")


def back_to_start(session: Session) -> Event:
    return RolledBack(at=at(session), from_phase=session.current_phase, to_phase=1, cleared=(2, 3))


_numbers = itertools.count()


def fresh(digest: str = "arguments") -> Request:
    return Request(f"request-{os.getpid()}-{next(_numbers):08}", digest)


def with_checksum(raw: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """A head that somebody edited and who knows about the checksum."""
    start = raw.index(b'"checksum": "')
    before = edit(raw[:start])
    return before + b'"checksum": "' + sha256(before).encode() + b'"' + raw[start + len(b'"checksum": "') + 65 :]


CALLS: Final = tuple(name for name in vars(FileSystem) if not name.startswith("_"))


class QuickFileSystem(FileSystem):
    """A disk that syncs nothing, which only a loss of power could tell."""

    def fsync(self, fd: int) -> None:
        del fd


class FaultyFileSystem(QuickFileSystem):
    """A disk whose n-th call fails: once, or from then on, and before or after it has had its effect."""

    def __init__(self, fail_at: int, error: int = errno.EIO, *, for_good: bool = False, late: bool = False) -> None:
        self.calls: list[str] = []
        self._fail_at = fail_at
        self._error = error
        self._for_good = for_good
        self._late = late

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name not in CALLS:
            return value

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            number = len(self.calls)
            fails = number > self._fail_at if self._for_good else number == self._fail_at + 1
            if not fails:
                return value(*arguments)
            if name == "close" or (
                self._late and name in {"replace", "write", "fsync", "fsync_dir", "mkdir", "unlink"}
            ):
                value(*arguments)
            raise OSError(self._error, os.strerror(self._error))

        return call


def filled(site: Site, count: int, status: Callable[[int], Status] = lambda _: Status.ACTIVE) -> list[str]:
    """Put many sessions into a store, each a second younger than the one before; their ids.

    Their files are those that the store writes, sealed and anchored, without its locks, its audit log and its syncs.
    """
    store = site.store(fs=QuickFileSystem())
    identity = parts(store).root.make()
    key = parts(store).guard.key_to_seal()
    parts(store).blobs.put(BLOBS)
    parts(store).guard.anchors.settle()
    _, anchors = parts(store).guard.anchors.folders
    ids = [f"session_{number:06}" for number in range(count)]
    for number, session_id in enumerate(ids):
        event = started(session_id, at=BEGIN + timedelta(seconds=number))
        session = machine.begin(event)
        if status(number) is not Status.ACTIVE:
            session = session.model_copy(update={"session_status": status(number), "gate": None})
        line, mark = line_after(NOTHING, event, None)
        page = encode(session, identity, mark, {}, key)
        assert page.seal is not None
        site.log(session_id).write_bytes(line)
        site.head(session_id).write_bytes(page.raw)
        anchor = Anchor(version=session.version, seal=page.seal.hmac)
        (anchors / f"{session_id}.json").write_text(anchor.model_dump_json())
    return ids


def settle(*paths: Path) -> None:
    """Wait until the times of files and folders say that they changed long ago."""
    while any(time.time_ns() - path.stat().st_ctime_ns < 2_100_000_000 for path in paths):
        time.sleep(0.05)
