"""From spawning a server to its answer to ``initialize``, and to ``tools/list``, which hosts ask next."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.client import BARE, Client, took
from benchmarks.figures import Figure, Setting, beside
from tests.support import server_command


def figures(setting: Setting) -> list[Figure]:
    """A row for each answer. The second has no goal: it shows what is put off until after the first."""
    with setting.home() as home:
        command, log = server_command(home), home.user / "server.log"
        # By turns; the first starts, which also compile what is imported, are thrown away.
        rounds = [(*start(BARE, log), *start(command, log)) for _ in range(setting.count(15) + 1)]
    bare, bare_tools, ours, tools = (statistics.median(taken) for taken in zip(*rounds[1:], strict=True))
    floor = {"bare server": bare_tools}
    return [
        beside("spawn to the answer to initialize", ours, "ms", ("bare server", bare), 1.15),
        Figure("spawn to the answer to tools/list", tools, "ms", floor, tools / bare_tools),
    ]


def start(command: Sequence[str], log: Path) -> tuple[float, float]:
    """Milliseconds of one start until the first answer, and until the second."""
    clients: list[Client] = []
    first = took(lambda: clients.append(Client(command, log)))
    with clients[0] as client:
        return first, first + took(client.ready)
