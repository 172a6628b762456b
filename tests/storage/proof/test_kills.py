"""Processes that are killed without warning, whatever they are doing."""

from __future__ import annotations

from collections import Counter

import pytest

from mcp_server.storage.store import Store
from tests.storage.support import Site, begun, parts
from tests.storage.worker import SHARED, run_workers

pytestmark = pytest.mark.integration

MANY = [pytest.param(500, id=f"many-{number}", marks=pytest.mark.slow) for number in range(10)]


@pytest.mark.parametrize("rounds", [pytest.param(125, id="one"), pytest.param(125, id="two"), *MANY])
def test_killed_processes_lose_nothing_that_was_acknowledged_and_double_nothing(
    site: Site, store: Store, rounds: int, seed: int, tally: Counter[str]
) -> None:
    begun(store, SHARED)
    lines = [line.split(" ") for line in run_workers(site, "kill", rounds, seed)]
    acknowledged = [request_id for word, request_id in lines if word == "done"]
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
    tally.update(
        {"kills": 2 * rounds, "changes": len(acknowledged), "commits never heard of": len(lines) - len(acknowledged)}
    )
