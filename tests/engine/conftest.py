"""A project whose gates ask a person, on a clock that a test sets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_server.app import workflow_roots
from mcp_server.checks.probes import ProjectProbes
from mcp_server.checks.runner import ProjectChecker
from mcp_server.definitions.library import Library
from mcp_server.engine import Engine, Workspace
from mcp_server.settings import load
from mcp_server.storage.store import Store
from tests.support import Ask, Body, Home, asking, field

NOON = datetime(2026, 5, 17, 12, 0, 0, tzinfo=UTC)

GATE: Body = {"max_attempts": 2, "evidence_schema": {"done": field()}}
ASKING: Body = {**GATE, "approval": {"required": True, "prompt": "Is it good?", "expires_hours": 24}}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    home.define("asking", [{"number": 1, "gate": ASKING}, {"number": 2, "gate": GATE}])
    home.define("firm", [{"number": 1, "gate": {**GATE, "checkpoint": {"allow_override": False}}}])
    home.write({"src/a.py": "a = 1\n"})
    return home


@pytest.fixture
def engine(home: Home, clock: Clock) -> Engine:
    loaded = load({"project": home.project, "user_dir": home.user}, cwd=home.project)
    store = Store(home.state, loaded.settings.user)
    checker = ProjectChecker(home.project, {}, excluded=(home.state,))
    workspace = Workspace(store, ProjectProbes(home.project), checker, store.trust(home.project))
    return Engine(Library(workflow_roots(loaded)), workspace, clock=clock)


@pytest.fixture
def ask(engine: Engine) -> Ask:
    return asking(engine)


@pytest.fixture
def waiting(ask: Ask) -> str:
    """A session whose first phase waits for a person; its id."""
    session: str = ask(action="start", workflow_type="asking", target_file="src/a.py")["session_id"]
    reply = ask(action="complete_phase", session_id=session, phase=1, evidence={"done": "yes"})
    assert reply["gate"] == "awaiting_approval", reply
    return session
