"""That a person let a phase go is said wherever the session is shown, and so is where its definition came from."""

from __future__ import annotations

import pytest

from mcp_server.domain.authority import Authority
from mcp_server.engine import Engine
from tests.cli.support import Cli
from tests.support import Ask, Body, Home, asking, field

pytestmark = pytest.mark.acceptance

SOMEBODY = Authority(channel="terminal", authenticated=False)
GATE: Body = {"evidence_schema": {"done": field(), "tests": field("integer", validator="positive")}, "max_attempts": 3}
HONEST: Body = {"done": "yes", "tests": 3}


@pytest.fixture
def home(home: Home) -> Home:
    home.define("two", [{"number": 1, "gate": GATE}, {"number": 2, "gate": GATE}])
    return home


@pytest.fixture
def engine(home: Home) -> Engine:
    return home.engine()


@pytest.fixture
def ask(engine: Engine, home: Home) -> Ask:
    return asking(engine, home)


@pytest.fixture
def overridden(engine: Engine, ask: Ask) -> str:
    """A session whose first phase was overridden after its gate had refused it; its id."""
    session: str = ask(action="start", workflow_type="two", target_file="a.py")["session_id"]
    refused = ask(action="complete_phase", session_id=session, phase=1, evidence={"done": "no", "tests": -1})
    assert refused["gate"] == "refused"
    engine.persons.override(session, 1, SOMEBODY, "good enough")
    return session


def test_every_reply_that_shows_a_session_says_what_was_overridden(ask: Ask, overridden: str) -> None:
    state = ask(action="get_state", session_id=overridden)
    assert state["phase_basis"] == {"phase_1": "overridden"}
    assert "Overridden by a person: 1." in state["summary"]
    assert ask(action="get_phase", session_id=overridden)["overridden_phases"] == [1]
    (listed,) = ask(action="list_sessions")["sessions"]
    assert listed["overridden_phases"] == [1]
    last = ask(action="complete_phase", session_id=overridden, phase=2, evidence=HONEST)
    assert (last["workflow_completed"], last["basis"], last["overridden_phases"]) == (True, "attested", [1])
    assert ask(action="get_state", session_id=overridden)["phase_basis"] == {
        "phase_1": "overridden",
        "phase_2": "attested",
    }


def test_what_the_gate_refused_is_not_called_attested_afterwards(ask: Ask, overridden: str) -> None:
    told = ask(action="get_session", session_id=overridden, phase=1)["evidence"]
    assert told["accepted"]
    assert {one["name"]: one["basis"] for one in told["items"]} == {"done": "overridden", "tests": "overridden"}


def test_the_command_line_says_it_in_its_list_and_of_the_evidence(
    home: Home, overridden: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = Cli(home, capsys)
    assert "active (overridden: 1)" in cli("sessions").out
    (line,) = (one for one in cli("session", overridden, "--phase", "1").out.splitlines() if one.startswith("done"))
    assert line.split() == ["done", "overridden", '"no"']


def test_a_list_that_is_read_from_the_cache_says_it_too(home: Home, ask: Ask, overridden: str) -> None:
    others = [ask(action="start", workflow_type="two", target_file="b.py")["session_id"] for _ in range(70)]
    for _ in range(2):
        listed = asking(home.engine(), home)(action="list_sessions", limit=500)["sessions"]
        found = {one["session_id"]: one.get("overridden_phases") for one in listed}
        assert found == {**dict.fromkeys(others), overridden: [1]}


def test_a_phase_that_is_opened_again_is_overridden_no_more(ask: Ask, overridden: str) -> None:
    ask(action="rollback", session_id=overridden, to_phase=1)
    state = ask(action="get_state", session_id=overridden)
    assert (state["phase_basis"], "Overridden" in state["summary"]) == ({}, False)
    assert "overridden_phases" not in ask(action="get_phase", session_id=overridden)
    passed = ask(action="complete_phase", session_id=overridden, phase=1, evidence=HONEST)
    assert {one["basis"] for one in passed["evidence_accepted"]} == {"attested"}
    assert "overridden_phases" not in passed


def test_where_the_definition_came_from_and_what_it_hides_is_said_later_too(home: Home, ask: Ask) -> None:
    shipped = next(one for one in ask(action="list_workflows")["workflows"] if one["source"] not in ("project", "user"))
    name = shipped["workflow_type"]
    home.define(name, [{"number": 1, "gate": GATE}])
    plain: str = ask(action="start", workflow_type="two", target_file="a.py")["session_id"]
    hiding: str = ask(action="start", workflow_type=name, target_file="a.py")["session_id"]
    state = ask(action="get_state", session_id=hiding)
    assert (state["source"], state["shadows"]) == ("project", [shipped["source"]])
    definition = ask(action="get_session", session_id=hiding)["session"]["definition"]
    assert (definition["source"], definition["shadows"]) == ("project", [shipped["source"]])
    state = ask(action="get_state", session_id=plain)
    assert (state["source"], "shadows" in state) == ("project", False)


def test_the_whole_record_shows_the_budget_and_who_raised_it(home: Home, engine: Engine, ask: Ask) -> None:
    home.define("frugal", [{"number": 1, "gate": GATE}], budget={"max_tokens": 100, "mode": "strict"})
    session: str = ask(action="start", workflow_type="frugal", target_file="a.py")["session_id"]
    budget = ask(action="get_session", session_id=session)["session"]["budget"]
    minutes = budget.pop("active_minutes")
    assert (budget, minutes >= 0) == ({"mode": "strict", "max_tokens": 100}, True)
    ask(action="complete_phase", session_id=session, phase=1, evidence={"usage": {"tokens": 70}})
    engine.persons.set_budget(session, SOMEBODY, {"max_tokens": 500}, "it is worth it")
    record = ask(action="get_session", session_id=session)["session"]
    assert (record["budget"]["max_tokens"], record["budget"]["raised"], record["usage"]["tokens"]) == (500, True, 70)
    plain: str = ask(action="start", workflow_type="two", target_file="a.py")["session_id"]
    assert "budget" not in ask(action="get_session", session_id=plain)["session"]
