"""Real processes, killed without warning and racing each other."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mcp_server.storage.store import Store
from tests.storage.support import Site, begun, parts
from tests.storage.worker import SHARED

pytestmark = pytest.mark.integration


def run_workers(site: Site, what: str, first: int, second: int) -> list[str]:
    command = [sys.executable, "-m", "tests.storage.worker", what, str(site.folder), str(first), str(second)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


MANY = [pytest.param(500, seed, id=f"many-{seed}", marks=pytest.mark.slow) for seed in range(10)]


@pytest.mark.parametrize(("rounds", "seed"), [pytest.param(25, 11, id="quick"), *MANY])
def test_killed_processes_lose_nothing_that_was_acknowledged_and_double_nothing(
    site: Site, store: Store, rounds: int, seed: int
) -> None:
    begun(store, SHARED)
    acknowledged = [line.removeprefix("done ") for line in run_workers(site, "kill", rounds, seed)]
    assert len(acknowledged) == len(set(acknowledged))
    events = store.events(SHARED)
    made = Counter(record.request.id for record in events if record.request)
    assert set(made.values()) == {1}
    assert set(made) == {request_id for request_id in acknowledged if request_id.startswith("update-")}
    assert len(events) == 1 + len(made)
    created = {f"session_{one[7:]}".replace("-", "_") for one in acknowledged if one.startswith("create-")}
    gone = {f"session_{one[7:]}".replace("-", "_") for one in acknowledged if one.startswith("delete-")}
    listed = store.sessions()
    assert {session.session_id for session in listed.sessions} == {SHARED} | (created - gone)
    assert listed.corrupt == ()
    report = store.verify()
    assert report.ok, report
    audit = [(line.kind, line.session_id) for line in parts(store).audit.read()]
    assert Counter(audit) == Counter(
        [("started", one) for one in created | {SHARED}] + [("deleted", one) for one in gone]
    )
    assert store.verify().repaired == 0


def test_changes_of_racing_processes_are_totally_ordered_by_their_version(site: Site, store: Store) -> None:
    begun(store, SHARED)
    changes = [tuple(map(int, line.split())) for line in run_workers(site, "race", 4, 100)]
    by_version = sorted(changes, key=lambda change: change[2])
    assert [version for _, _, version in by_version] == list(range(2, 402))
    latest_begin = 0
    for began, ended, version in by_version:
        # No change ended before one of a lower version began.
        assert ended >= latest_begin, version
        latest_begin = max(latest_begin, began)
    assert store.read(SHARED).version == 401
    assert store.verify().ok
