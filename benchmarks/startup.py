"""From spawning a server to its answer to ``initialize``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.client import BARE, Client, took
from benchmarks.figures import Figure, Setting, beside, in_turn
from tests.support import server_command


def figures(setting: Setting) -> list[Figure]:
    """One row."""
    with setting.home() as home:
        command, log = server_command(home), home.user / "server.log"
        # The start that is thrown away also compiles what it imports.
        bare, ours = in_turn(setting.times(15, least=5), lambda: start(BARE, log), lambda: start(command, log))
    return [beside("spawn to the initialize answer", ours, "ms", ("bare server", bare), 1.15)]


def start(command: Sequence[str], log: Path) -> float:
    """Milliseconds of one start."""
    clients: list[Client] = []
    passed = took(lambda: clients.append(Client(command, log)))
    with clients[0]:
        return passed
