"""Cleaning up from the command line: what nothing needs, and what nobody goes on with."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_server.domain.events import Paused, WorkflowCompleted
from mcp_server.domain.session import Evidence
from mcp_server.storage.keys import UserFolders
from mcp_server.storage.store import Store
from tests.cli.support import Cli, run_on_terminal, run_process
from tests.storage.support import BLOBS, started
from tests.support import Ask, Home, arrange

pytestmark = pytest.mark.integration


def aged(path: Path, days: int = 2) -> Path:
    """Make a file look as if it had been written that long ago."""
    moment = time.time() - days * 86_400
    os.utime(path, (moment, moment))
    return path


def half(home: Home) -> Path:
    """What a writer left that died two days ago."""
    left = home.state / ".0123456789abcdef.tmp"
    left.write_bytes(b"half")
    return aged(left)


def test_where_nothing_is_too_much_it_says_so(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    ran = cli("cleanup")
    assert (ran.code, ran.out) == (0, "There is nothing to remove.\n")


def test_a_dry_run_says_what_would_go(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    left = half(cli.home)
    ran = cli("cleanup", "--dry-run")
    assert ran.out.splitlines()[1].split() == ["1", "temporary", "file", "4", "bytes"]
    assert ran.out.endswith("4 bytes would be removed; nothing was changed.\n")
    assert left.exists()
    assert cli("cleanup", "--json").json == {
        "dry_run": False,
        "bytes": 4,
        "removed": [{"what": "temporary file", "name": left.name, "bytes": 4}],
        "doubtful": [],
    }
    assert not left.exists()


def test_sessions_for_whose_sake_values_stay_are_named(cli: Cli, ask: Ask) -> None:
    session = arrange(ask, "open")
    (cli.home.state / "workflows" / f"{session}.json").write_text("{}")
    ran = cli("cleanup")
    assert ran.code == 0
    assert f"note: Stored values were all kept, since sessions cannot be trusted: {session}." in ran.err


def test_flags_of_another_job_are_refused(cli: Cli) -> None:
    assert cli("cleanup", "--days", "3").code == 2
    assert cli("cleanup", "--stale", "--days", "0", "--dry-run").code == 2


def test_stale_sessions_are_listed_and_nothing_else(cli: Cli, ask: Ask) -> None:
    arrange(ask, "open")
    half(cli.home)
    before = cli.home.tree()
    ran = cli("cleanup", "--stale", "--dry-run")
    assert (ran.code, ran.out) == (0, "There are no unfinished sessions without change for 7 days.\n")
    assert cli("cleanup", "--stale", "--dry-run", "--json").json == {"dry_run": True, "stale": [], "deleted": []}
    assert cli.home.tree() == before


def test_without_a_terminal_no_stale_session_goes(home: Home, ask: Ask) -> None:
    arrange(ask, "open")
    before = home.tree()
    ran = run_process(home, "cleanup", "--stale", given="y\n")
    assert ran.code == 1
    assert "for a person to decide" in ran.err
    assert home.tree() == before


@pytest.fixture
def long_ago(home: Home) -> Store:
    """An open, a paused and a completed session of last month, and one of today."""
    store = Store(home.state, UserFolders(home.user / "config", home.user / "data"))
    now = datetime.now(UTC)
    then = now - timedelta(days=30)
    for name in ("open_one", "paused_one", "completed_one"):
        store.create(started(name, at=then, phases=(1,)), blobs=BLOBS)
    store.create(started("fresh_one", at=now), blobs=BLOBS)
    store.update("paused_one", lambda _: Paused(at=then))
    done = WorkflowCompleted(at=then, phase=1, attempt=1, evidence=Evidence(), basis="attested")
    store.update("completed_one", lambda _: done)
    return store


@pytest.mark.acceptance
def test_a_person_takes_stale_sessions_to_the_trash(home: Home, long_ago: Store) -> None:
    listed = run_process(home, "cleanup", "--stale", "--dry-run", "--json").json
    assert {one["session_id"] for one in listed["stale"]} == {"open_one", "paused_one"}
    assert run_process(home, "cleanup", "--stale", "--dry-run", "--days", "31", "--json").json["stale"] == []
    assert run_on_terminal(home, "cleanup", "--stale", typed="n").code == 1
    ran = run_on_terminal(home, "cleanup", "--stale", typed="y")
    assert ran.code == 0, ran.out
    assert "2 sessions are in the trash" in ran.out
    assert {one.session_id for one in long_ago.sessions().sessions} == {"completed_one", "fresh_one"}
    assert '"reason":"stale: no change for 7 days"' in (home.state / "audit.jsonl").read_text()
    assert long_ago.undelete("open_one", at=datetime.now(UTC)).session_status == "active"
