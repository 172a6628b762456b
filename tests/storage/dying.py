"""A server that can die before any change that it makes to the disk, and the one that comes after it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from mcp_server.app import workflow_roots
from mcp_server.checks.probes import ProjectProbes
from mcp_server.checks.runner import ProjectChecker
from mcp_server.definitions.library import Library
from mcp_server.domain.events import Event
from mcp_server.engine import Engine, Workspace
from mcp_server.settings import load
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from tests.storage.proof.disk import Disk
from tests.storage.proof.operations import BASE, SITE
from tests.storage.proof.seams import Call, Moments, Seam
from tests.support import Home


class Trusting:
    """Whose person has trusted everything."""

    def is_trusted(self, digest: str) -> bool:
        """Yes."""
        return bool(digest)


class OneByOne(Seam):
    """A disk that several threads use."""

    def __init__(self, inner: FileSystem) -> None:
        super().__init__(inner)
        self._turn = threading.RLock()

    def around(self, name: str, arguments: tuple[Any, ...], call: Call) -> Any:
        with self._turn:
            return super().around(name, arguments, call)


@dataclass(frozen=True)
class Machine:
    """A project on the real disk, whose sessions lie on a disk in memory."""

    home: Home
    library: Library
    disk: Disk

    @classmethod
    def new(cls, home: Home) -> Machine:
        loaded = load({"project": home.project, "user_dir": home.user}, cwd=home.project)
        return cls(home, Library(workflow_roots(loaded)), Disk(*BASE))

    def engine(self, fs: FileSystem | None = None) -> Engine:
        """A server that was just started."""
        checker = ProjectChecker(self.home.project, {}, excluded=(self.home.state,))
        store = self.store(fs)
        workspace = Workspace(store, ProjectProbes(self.home.project), checker, Trusting())
        return Engine(self.library, workspace)

    def store(self, fs: FileSystem | None = None) -> Store:
        return Store(SITE.root, SITE.user, fs=OneByOne(fs or self.disk))

    def watched(self) -> Moments:
        """The disk, which keeps itself as it was before each change."""
        return Moments(self.disk)

    def events(self, session_id: str) -> list[Event]:
        """All that has happened to a session, in the trash or not."""
        parts = self.store().parts
        found = parts.find(session_id)
        assert found is not None
        return [record.event for record in parts.pages.records(found.place, found.page)]

    def applied(self, request_id: str) -> int:
        """How many events of any session were committed under a request."""
        parts = self.store().parts
        committed = 0
        for session_id in parts.session_ids():
            found = parts.find(session_id)
            assert found is not None
            records = parts.pages.records(found.place, found.page)
            committed += sum(1 for one in records if one.request is not None and one.request.id == request_id)
        return committed


def moments(machine: Machine, watched: Moments) -> list[tuple[str, Machine]]:
    """What the death of a server leaves before each change that was made, and after the last."""
    seen = [*watched.seen, ("the end", machine.disk.killed())]
    return [(name, Machine(machine.home, machine.library, disk)) for name, disk in seen]
