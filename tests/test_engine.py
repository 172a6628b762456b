"""The use cases by themselves: ids, time, usage, and what a person may do that the tool may not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_server.app import workflow_roots
from mcp_server.checks.probes import ProjectProbes
from mcp_server.definitions.library import Library
from mcp_server.domain.authority import Authority
from mcp_server.domain.session import Status
from mcp_server.engine import Call, Engine, Outcome, Workspace, new_session_id
from mcp_server.errors import StateError
from mcp_server.settings import load
from mcp_server.storage.store import Store
from tests.support import PASSING, Home, arrange, asking, define_small_workflows, field

pytestmark = pytest.mark.integration

NOON = datetime(2026, 5, 17, 12, 0, 0, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.make(tmp_path)
    define_small_workflows(home)
    return home


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(home: Home, clock: Clock) -> Engine:
    loaded = load({"project": home.project, "user_dir": home.user}, cwd=home.project)
    workspace = Workspace(Store(home.state, loaded.settings.user), ProjectProbes(home.project))
    return Engine(Library(workflow_roots(loaded)), workspace, stale_after_days=7, clock=clock)


@pytest.mark.requirement("session-ids")
@pytest.mark.parametrize(
    ("workflow", "target", "begins"),
    [
        ("steps", "src/Main.py", "steps_src_main_py_20260517_120000_"),
        ("steps", ".", "steps_project_20260517_120000_"),
        ("steps", "日本", "steps_project_20260517_120000_"),
        ("Up-Case.v2", "-rf", "up_case_v2_rf_20260517_120000_"),
        ("w" * 100, "t" * 4000, "w" * 60 + "_" + "t" * 60 + "_20260517_120000_"),
    ],
)
def test_a_session_id_says_what_when_and_is_safe_as_a_file_name(workflow: str, target: str, begins: str) -> None:
    session_id = new_session_id(workflow, target, NOON)
    assert session_id.startswith(begins)
    assert re.fullmatch(r"[a-z0-9_]{1,200}", session_id)
    assert new_session_id(workflow, target, NOON) != session_id


@pytest.mark.requirement("durations")
def test_durations_leave_pauses_out(engine: Engine, clock: Clock) -> None:
    ask = asking(engine)
    session = ask(action="start", workflow_type="steps", target_file="a.py")["session_id"]
    clock.pass_(minutes=10)
    ask(action="pause", session_id=session)
    clock.pass_(hours=5)
    assert ask(action="resume", session_id=session)["paused_duration_seconds"] == 5 * 3600
    clock.pass_(minutes=2)
    ask(action="complete_phase", session_id=session, phase=1, evidence=PASSING)
    (first, _) = ask(action="get_session", session_id=session)["session"]["phase_history"]
    assert first["duration_seconds"] == 12 * 60


def test_a_skipped_phase_has_the_time_at_which_it_was_skipped_and_no_duration(
    engine: Engine, home: Home, clock: Clock
) -> None:
    gate = {"evidence_schema": {"done": field()}}
    skippable = {"gate": gate, "skippable": True, "skip_condition": "options['small']"}
    home.define("fitted", [{"number": 1, **skippable}, {"number": 2, "gate": gate}, {"number": 3, **skippable}])
    session = engine.start("fitted", "a.py", {"small": True}, Call()).committed.session
    clock.pass_(minutes=10)
    outcome = engine.complete_phase(session.session_id, 2, PASSING, Call())
    assert isinstance(outcome, Outcome)
    session = outcome.committed.session
    first, second, third = session.phase_history
    assert (first.status, first.started_at, first.duration_seconds) == ("skipped", NOON, None)
    assert (second.status, second.started_at, second.duration_seconds) == ("completed", NOON, 600)
    assert (third.status, third.started_at, third.duration_seconds) == ("skipped", clock.now, None)
    assert (session.current_phase, session.completed_at) == (3, clock.now)
    assert engine.view(session.session_id).session == session


@pytest.mark.requirement("list-sessions")
def test_a_session_that_nobody_touched_for_a_week_is_stale(engine: Engine, clock: Clock) -> None:
    ask = asking(engine)
    session, done = arrange(ask, "open"), arrange(ask, "completed")
    clock.pass_(days=7)
    assert not any("stale" in one for one in ask(action="list_sessions")["sessions"])
    clock.pass_(seconds=1)
    listed = {one["session_id"]: one for one in ask(action="list_sessions")["sessions"]}
    assert listed[session]["stale"] is True
    assert "stale" not in listed[done]
    assert listed[done]["completed_at"]
    ask(action="pause", session_id=session)
    assert not any("stale" in one for one in ask(action="list_sessions")["sessions"])


@pytest.mark.requirement("list-sessions")
def test_a_start_says_which_open_sessions_are_stale_and_what_to_do(engine: Engine, clock: Clock) -> None:
    ask = asking(engine)
    stale, other = (ask(action="start", workflow_type="steps", target_file=one)["session_id"] for one in ("a", "b"))
    clock.pass_(days=8)
    fresh = ask(action="start", workflow_type="steps", target_file="a")
    assert fresh["open_sessions"] == [stale]
    assert fresh["warnings"] == [
        f"Open session {stale} has not changed for 8 days: go on with it (get_state), or delete it (delete_session)."
    ]
    clock.pass_(days=7)
    request = {"action": "start", "workflow_type": "steps", "target_file": "a", "request_id": "one-request-id"}
    again = ask(**request)
    assert again["open_sessions"] == [fresh["session_id"], stale]
    assert [stale in one for one in again["warnings"]] == [True]
    ask(action="pause", session_id=stale)
    assert ask(**request)["warnings"] == again["warnings"]
    assert "warnings" not in ask(action="start", workflow_type="steps", target_file="a")
    assert {stale, other} <= {one["session_id"] for one in ask(action="list_sessions")["sessions"]}


@pytest.mark.requirement("usage")
def test_usage_is_added_up_and_is_no_evidence(engine: Engine) -> None:
    ask = asking(engine)
    session = arrange(ask, "open")
    usage = {"tokens": 1000, "cost_usd": 0.5}
    ask(action="complete_phase", session_id=session, phase=2, evidence={"usage": usage})
    passed = ask(action="complete_phase", session_id=session, phase=2, evidence={**PASSING, "usage": {"tokens": 500}})
    assert [one["name"] for one in passed["evidence_accepted"]] == ["done"]
    assert "warnings" not in passed
    assert ask(action="get_state", session_id=session)["artifacts"]["phase_2"] == PASSING
    assert ask(action="get_session", session_id=session)["session"]["usage"] == {"tokens": 1500, "cost_usd": 0.5}


@pytest.mark.requirement("usage")
def test_usage_is_evidence_where_the_gate_asks_for_it(home: Home, engine: Engine) -> None:
    rule = {"rule": "lambda e: e.get('usage') is not None", "error_message": "Report it."}
    declared = {"evidence_schema": {"usage": field("object")}}
    ruled = {"evidence_schema": {"done": field()}, "cross_field_validation": [rule]}
    home.define("metered", [{"number": 1, "gate": declared}, {"number": 2, "gate": ruled}, {"number": 3}])
    ask = asking(engine)
    session = ask(action="start", workflow_type="metered", target_file="a")["session_id"]
    for phase in (1, 2):
        evidence = {**PASSING, "usage": {"tokens": 5}}
        passed = ask(action="complete_phase", session_id=session, phase=phase, evidence=evidence)
        assert {one["name"] for one in passed["evidence_accepted"]} == {"done", "usage"}
    assert ask(action="get_session", session_id=session)["session"]["usage"]["tokens"] == 10


@pytest.mark.requirement("usage")
@pytest.mark.parametrize(
    "usage", [{"tokens": -1}, {"tokens": "1"}, {"cost_usd": -0.1}, {"words": 1}, 7, {"tokens": 1.5}, ["tokens"]]
)
def test_usage_of_another_form_is_not_added_up_and_that_is_said(engine: Engine, usage: object) -> None:
    ask = asking(engine)
    session = arrange(ask, "open")
    passed = ask(action="complete_phase", session_id=session, phase=2, evidence={**PASSING, "usage": usage})
    assert [one["name"] for one in passed["evidence_accepted"]] == ["done"]
    assert "usage was not added up" in passed["warnings"][0]
    assert ask(action="get_session", session_id=session)["session"]["usage"] == {"tokens": 0, "cost_usd": 0.0}


@pytest.mark.requirement("start")
def test_at_most_twenty_open_sessions_are_named_newest_first(engine: Engine, clock: Clock) -> None:
    ask = asking(engine)
    ids: list[str] = []
    for _ in range(22):
        clock.pass_(seconds=1)
        ids.append(ask(action="start", workflow_type="steps", target_file="a.py")["session_id"])
    ask(action="start", workflow_type="steps", target_file="b.py")
    arrange(ask, "completed", "a.py")
    named = ask(action="start", workflow_type="steps", target_file="./a.py")["open_sessions"]
    assert named == ids[:1:-1]


@pytest.mark.requirement("reopen-by-a-person")
def test_a_person_opens_a_failed_phase_that_the_tool_may_not(engine: Engine, home: Home) -> None:
    gate = {"evidence_schema": {"done": field()}, "max_attempts": 1, "reopen": "person"}
    home.define("strictly", [{"number": 1, "gate": gate}, {"number": 2}])
    ask = asking(engine)
    session = ask(action="start", workflow_type="strictly", target_file="a")["session_id"]
    with pytest.raises(StateError):
        engine.persons.reopen(session, Authority(), "too early")
    ask(action="complete_phase", session_id=session, phase=1, evidence={})
    reopened = engine.persons.reopen(session, Authority(), "the gate asked for the wrong thing")
    assert reopened.committed.session.session_status is Status.ACTIVE
    assert ask(action="complete_phase", session_id=session, phase=1, evidence=PASSING)["checkpoint_passed"] is True


def test_a_deleted_session_comes_back_as_it_was(engine: Engine) -> None:
    ask = asking(engine)
    session = arrange(ask, "paused")
    ask(action="delete_session", session_id=session)
    assert ask(action="list_sessions")["total"] == 0
    restored = engine.undelete(session)
    assert (restored.session_status, restored.current_phase) == (Status.PAUSED, 2)
    assert ask(action="resume", session_id=session)["resumed"] is True


@pytest.mark.requirement("not-found")
def test_a_definition_of_many_phases_is_not_recited(engine: Engine, home: Home) -> None:
    home.define("many", [{"number": number} for number in range(1, 61)])
    ask = asking(engine)
    session = ask(action="start", workflow_type="many", target_file="a")["session_id"]
    reply = ask(action="get_task", session_id=session, phase=99, task_number=1)
    assert "49, 50 and 10 more" in reply["remediation"]
    home.define("bare", [{"number": 1}])
    bare = ask(action="start", workflow_type="bare", target_file="a")["session_id"]
    assert "no tasks" in ask(action="get_task", session_id=bare, phase=1, task_number=1)["remediation"]


@pytest.mark.requirement("sessions-pin-their-definition")
def test_a_definition_that_is_gone_has_moved_on(engine: Engine, home: Home) -> None:
    ask = asking(engine)
    session = arrange(ask, "open")
    assert ask(action="get_session", session_id=session)["session"]["definition"]["moved_on"] is False
    (home.definitions / "steps").rename(home.project / "elsewhere")
    assert ask(action="get_session", session_id=session)["session"]["definition"]["moved_on"] is True
    assert ask(action="complete_phase", session_id=session, phase=2, evidence=PASSING)["checkpoint_passed"] is True
