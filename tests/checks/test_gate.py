"""A gate with checks, from the tool to the programs: nothing is run unasked, and what is run decides."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_server.definitions.bundle import Bundle
from mcp_server.domain.authority import Authority
from mcp_server.settings import load
from mcp_server.storage.store import Store
from mcp_server.storage.trust import Grant
from tests.support import Ask, Body, Home, field

pytestmark = pytest.mark.integration

GATE: Body = {
    "checks": [
        {
            "id": "coverage",
            "run": ["python", "-c", "print(open('covered').read())"],
            "inputs": ["covered"],
            "pass": {"exit_code": 0, "stdout_json": {"path": "percent", "at_least": 90}},
        },
        {"id": "guide", "file": "guide.md", "pass": {"exists": True}},
    ],
    "protected_paths": ["tests/**"],
    "evidence_schema": {"summary": field(), "percent": {"type": "number", "from_check": "coverage"}},
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    home.define("checked", [{"number": 1, "gate": GATE}])
    home.write({"covered": '{"percent": 12}', "guide.md": "", "tests/a.py": "", "src/a.py": ""})
    return home


def trust(home: Home, session: str) -> None:
    store = Store(home.state, load({"project": home.project, "user_dir": home.user}, cwd=home.project).settings.user)
    bundle = Bundle.decode(store.blob(store.read(session).definition.digest))
    grant = Grant(
        workflow_type="checked",
        digest=bundle.definition_digest,
        source="project",
        at=datetime(2026, 5, 17, tzinfo=UTC),
        authority=Authority(),
    )
    store.trust(home.project).grant(grant)


def submitted(ask: Ask, session: str, summary: str) -> Body:
    return ask(action="complete_phase", session_id=session, phase=1, evidence={"summary": summary})


def test_what_the_programs_come_to_decides(home: Home) -> None:
    ask = home.asking()
    session: str = ask(action="start", workflow_type="checked", target_file="src/a.py")["session_id"]
    reply = submitted(ask, session, "not trusted")
    assert reply["gate"] == "blocked"
    assert [one["status"] for one in reply["checks"]] == ["blocked", "passed", "passed"]
    assert f"pos-workflow trust --session {session}" in reply["checks"][0]["problem"]

    trust(home, session)
    reply = submitted(ask, session, "too little")
    assert (reply["gate"], reply["failed_checks"]) == ("refused", ["coverage"])
    assert reply["checks"][0]["problem"] == "percent is 12, wanted at least 90"

    home.write({"covered": '{"percent": 95.5}', "tests/a.py": "weakened"})
    reply = submitted(ask, session, "weakened")
    assert (reply["gate"], reply["failed_checks"]) == ("refused", ["protected_paths"])
    assert reply["checks"][2]["problem"] == "changed: tests/a.py"

    home.write({"tests/a.py": ""})
    reply = submitted(ask, session, "good")
    assert reply["workflow_completed"] is True
    assert {"name": "percent", "basis": "verified"} in reply["evidence_accepted"]
    assert ask(action="get_state", session_id=session)["artifacts"]["phase_1"]["percent"] == 95.5
