"""Memory of a server that has sessions in hand, beside the bare server's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from benchmarks.calls import WORKFLOW
from benchmarks.changing import EVIDENCE
from benchmarks.client import Client
from benchmarks.figures import Figure, Setting

SESSIONS: Final = 50


def figures(setting: Setting) -> list[Figure]:
    """A row beside the bare server, and one for what the sessions add to a server without any."""
    count = setting.count(SESSIONS)
    with setting.home() as home, Client.bare(home.user) as bare, Client.of(home) as server:
        without = resident(server)
        for number in range(count):
            started = server.call(action="start", workflow_type=WORKFLOW, target_file=f"{number}.py")
            about = {"session_id": started["session_id"]}
            server.call(action="get_task", phase=1, task_number=1, **about)
            server.call(action="complete_phase", phase=1, evidence=EVIDENCE, **about)
            server.call(action="get_state", **about)
            bare.no_op()
        taken, least = resident(server), resident(bare)
    floors = {"bare server": least}
    return [
        Figure(
            f"memory over the bare server, {count} active sessions",
            taken - least,
            "MB",
            floors,
            goal="≤ 10 MB",
            bound=10,
        ),
        Figure(f"memory that {count} active sessions add", taken - without, "MB", goal="≤ 50 MB", bound=50),
    ]


def resident(server: Client) -> float:
    """Megabytes of memory that the process has, as Linux tells it."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
