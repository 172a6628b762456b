"""Pages of a list stay in place while other processes write, and very many sessions fit into little memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from mcp_server.domain.session import Status
from tests.storage.busy import busy
from tests.storage.support import Site, filled
from tests.support import server_command
from tests.wire import Wire

HUGE: Final = 100_000
MEMORY: Final = 300_000_000
"""Bytes that a process may take to list them, all that it has loaded included."""


def serving(site: Site) -> Wire:
    (site.folder / "project").mkdir(exist_ok=True)
    project = ["--project", str(site.folder / "project"), "--state-dir", str(site.root)]
    return Wire(command=[*server_command(), *project, "--user-dir", str(site.folder / "user")])


def paged(server: Wire, **arguments: Any) -> list[dict[str, Any]]:
    """The sessions of all pages, one after the other."""
    reply = server.call(action="list_sessions", **arguments)
    found = list(reply["sessions"])
    while "next_cursor" in reply:
        reply = server.call(action="list_sessions", cursor=reply["next_cursor"], **arguments)
        assert reply["corrupt"] == []
        found += reply["sessions"]
    return found


@pytest.mark.acceptance
@pytest.mark.requirement("list-sessions")
def test_no_session_is_missed_or_shown_twice_while_other_processes_write(site: Site) -> None:
    ids = filled(site, 300, lambda number: Status.ACTIVE if number % 3 else Status.PAUSED)
    newest_first, own = ids[::-1], set(ids)
    with serving(site) as server, busy(site) as still:
        rounds = 0
        while still() or not rounds:
            shown = [one["session_id"] for one in paged(server, limit=40)]
            assert [one for one in shown if one in own] == newest_first
            paused = paged(server, limit=40, status="paused")
            assert {one["status"] for one in paused} == {"paused"}
            assert [one["session_id"] for one in paused if one["session_id"] in own] == ids[::3][::-1]
            rounds += 1


@pytest.mark.slow
@pytest.mark.integration
def test_a_hundred_thousand_sessions_are_listed_in_bounded_memory(site: Site) -> None:
    filled(site, HUGE)
    for _ in ("without a cache", "with one"):
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(site.folder)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=3_600,
            check=True,
        )
        count, first, memory = done.stdout.split()
        assert (int(count), first) == (HUGE, "session_000000")
        assert int(memory) < MEMORY


if __name__ == "__main__":
    sessions = Site(Path(sys.argv[1])).store().sessions().sessions
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    sys.stdout.write(f"{len(sessions)} {sessions[0].session_id} {peak}\n")
