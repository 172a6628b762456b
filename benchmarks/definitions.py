"""``list_workflows`` when there are many definitions, and what is read again after one of them has changed."""

from __future__ import annotations

import copy
import os
import time
from typing import Any, Final

from benchmarks.client import Client, took
from benchmarks.figures import Figure, Setting, beside, in_turn
from mcp_server import logs
from mcp_server.app import bundled_workflows
from mcp_server.definitions import counted
from tests.support import Home, field

COUNT: Final = 50
_GATE: Final[dict[str, Any]] = {"evidence_schema": {"done": field(validator="non_empty", description="What was done")}}


def figures(setting: Setting) -> list[Figure]:
    """A row for the call, and one for what is read again."""
    shipped = sum(1 for path in bundled_workflows().iterdir() if path.is_dir())
    count = max(shipped + 2, setting.count(COUNT))
    with setting.home() as home:
        for number in range(count - shipped):
            _define(home, f"own_{number}", "one")
        with Client.bare(home.user) as bare, Client.of(home) as server:
            found = server.call(action="list_workflows")["count"]
            paths = [str(path) for root in (home.definitions, bundled_workflows()) for path in root.rglob("*")]
            no_op, warm, stats = in_turn(
                setting.count(200),
                bare.no_op,
                lambda: server.timed(action="list_workflows")[0],
                lambda: took(lambda: [os.stat(path) for path in paths]),  # noqa: PTH116 - the least that it costs
            )
        return [
            beside(f"list_workflows, {found} definitions, warm", warm, "ms", ("no-op", no_op), 1.5),
            Figure(f"one stat of each of their {len(paths):,} files and folders", stats, "ms"),
            _read_again(home, found),
        ]


def _read_again(home: Home, count: int) -> Figure:
    logs.configure("warning")
    ask = home.asking()
    ask(action="list_workflows")
    before = copy.copy(counted.FOLDERS)
    _define(home, "own_1", "another")
    for _ in range(2):
        ask(action="list_workflows")
    read = counted.FOLDERS.read - before.read
    return Figure(f"definitions read again by two lists, one of {count} changed", read, "", goal="≤ 1", bound=1)


def _define(home: Home, name: str, what: str) -> None:
    """Write a workflow of two phases as if that had been a while ago, since nobody trusts the time of a young file."""
    phase = {"gate": _GATE, "tasks": {"task-1-do.md": f"# Do {what}\n\nDo it.\n"}}
    home.define(name, [{"number": 1, **phase}, {"number": 2, **phase}])
    ago = time.time() - (60 if what == "one" else 30)
    folder = home.definitions / name
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (ago, ago))
