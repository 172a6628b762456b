"""How often a call that changes a session has the disk make something durable: what most of its time goes to."""

from __future__ import annotations

from benchmarks import floors
from benchmarks.calls import WORKFLOW
from benchmarks.changing import STEPS
from benchmarks.figures import Figure, Setting
from mcp_server import logs
from mcp_server.storage.filesystem import FileSystem
from tests.shipped_evidence import TARGET
from tests.support import asking, engine_with


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
        ask = asking(engine_with(home, fs=disk), home)
        ask(action="start", workflow_type=WORKFLOW, target_file=TARGET[WORKFLOW])
        about = {"target_file": TARGET[WORKFLOW]}
        counted: dict[str, int] = {}
        for action, arguments in STEPS.items():
            before = disk.syncs
            about = {"session_id": ask(action=action, **about, **arguments)["session_id"]}
            counted[action] = disk.syncs - before
    least = floors.SYNCS
    return [Figure(f"syncs of {name}", count, "", {"durable": least}, count / least) for name, count in counted.items()]
