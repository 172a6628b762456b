"""How often a call that changes a session has the disk make something durable: what most of its time goes to."""

from __future__ import annotations

from benchmarks import floors
from benchmarks.calls import WORKFLOW
from benchmarks.changing import STEPS
from benchmarks.figures import Figure, Setting
from mcp_server import logs
from mcp_server.app import workflow_roots
from mcp_server.checks.probes import ProjectProbes
from mcp_server.definitions.library import Library
from mcp_server.engine import Engine, Workspace
from mcp_server.settings import load
from mcp_server.storage.filesystem import FileSystem
from mcp_server.storage.store import Store
from tests.shipped_evidence import TARGET
from tests.support import Home, asking


class Syncing(FileSystem):
    """A disk that counts what it is asked to make durable, folders among it."""

    syncs = 0

    def fsync(self, fd: int) -> None:
        """Make it durable, and count it."""
        self.syncs += 1
        super().fsync(fd)


def figures(setting: Setting) -> list[Figure]:
    """A row for each mutating action, of a session that is not the store's first."""
    logs.configure("warning")
    with setting.home() as home:
        disk = Syncing()
        ask = asking(_engine(home, disk), home)
        ask(action="start", workflow_type=WORKFLOW, target_file=TARGET[WORKFLOW])
        about = {"target_file": TARGET[WORKFLOW]}
        counted: dict[str, int] = {}
        for action, arguments in STEPS.items():
            before = disk.syncs
            about = {"session_id": ask(action=action, **about, **arguments)["session_id"]}
            counted[action] = disk.syncs - before
    least = floors.SYNCS
    return [Figure(f"syncs of {name}", count, "", {"durable": least}, count / least) for name, count in counted.items()]


def _engine(home: Home, disk: FileSystem) -> Engine:
    loaded = load({"project": home.project, "user_dir": home.user}, cwd=home.project)
    store = Store(loaded.settings.state_root(home.project), loaded.settings.user, fs=disk)
    return Engine(Library(workflow_roots(loaded)), Workspace(store, ProjectProbes(home.project)))
