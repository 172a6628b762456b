"""The examples with which the product was planned, each as it was written down: over the wire and in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mcp_server.actions import json_values
from mcp_server.actions.fields import MAX_EVIDENCE_BYTES, relative_path
from tests.shipped_evidence import HONEST
from tests.support import ACTIONS, Ask, Body, Home
from tests.wire import Wire

pytestmark = pytest.mark.acceptance

HONEST_FIRST: Body = HONEST["test_generation_v3"][1]


@pytest.fixture(params=["wire", "process"])
def tool(request: pytest.FixtureRequest, server: Wire, shared_home: Home) -> Ask:
    """The tool behind a real server, and the same tool called directly."""
    return server.call if request.param == "wire" else shared_home.asking()


@pytest.fixture
def started(tool: Ask) -> Callable[..., Body]:
    """Starts the workflow of the examples by the short name they use."""

    def start(target_file: str = "test.py") -> Body:
        return tool(action="start", workflow_type="test_gen_v3", target_file=target_file)

    return start


def state_file(home: Home, session: Body) -> Any:
    return home.state / "workflows" / f"{session['session_id']}.json"


@pytest.mark.requirement("unknown-action")
def test_an_unknown_action_is_an_error_that_lists_the_valid_ones(tool: Ask) -> None:
    result = tool(action="invalid_action")
    assert result["status"] == "error"
    assert result["error_type"] == "ValueError"
    assert result["valid_actions"] == list(ACTIONS)
    assert result["remediation"]


@pytest.mark.requirement("form-errors-all-at-once")
def test_missing_parameters_are_all_named(tool: Ask) -> None:
    result = tool(action="start")
    assert result["status"] == "error"
    assert "workflow_type" in result["error"]
    assert "target_file" in result["error"]


@pytest.mark.requirement("no-path-leaves-the-project")
def test_a_path_that_climbs_out_is_directory_traversal(tool: Ask) -> None:
    with pytest.raises(ValueError, match="directory traversal"):
        relative_path("../../../etc/passwd")
    result = tool(action="start", workflow_type="test_gen_v3", target_file="../../../etc/passwd")
    assert result["error_type"] == "ValueError"
    assert "directory traversal" in result["error"]


@pytest.mark.requirement("evidence-of-ten-mebibytes")
def test_eleven_mebibytes_of_evidence_are_too_large(tool: Ask, started: Callable[..., Body]) -> None:
    large: Body = {"data": "x" * (11 * 1024 * 1024)}
    with pytest.raises(ValueError, match="too large"):
        json_values.check(large, MAX_EVIDENCE_BYTES)
    session = started()
    result = tool(action="complete_phase", session_id=session["session_id"], phase=1, evidence=large)
    assert result["error_type"] == "ValueError"
    assert "too large" in result["error"]
    assert result["version"] == session["version"]


@pytest.mark.requirement("list-workflows")
def test_workflows_are_listed_and_filtered(tool: Ask) -> None:
    result = tool(action="list_workflows")
    assert result["status"] == "success"
    assert len(result["workflows"]) >= 2
    assert {"test_generation_v3", "spec_creation_v1"} <= {w["workflow_type"] for w in result["workflows"]}
    for workflow in result["workflows"]:
        assert {"workflow_type", "description", "category", "phases", "version", "name", "source"} <= set(workflow)
        assert isinstance(workflow["phases"], int)
    assert result["count"] == len(result["workflows"])

    result = tool(action="list_workflows", category="code_generation")
    assert all(w["category"] == "code_generation" for w in result["workflows"])
    (category, *_) = tool(action="list_workflows")["categories"]
    some = tool(action="list_workflows", category=category)
    assert some["workflows"]
    assert all(w["category"] == category for w in some["workflows"])


@pytest.mark.requirement("start")
def test_a_start_gives_the_first_phase_and_its_file_is_there(tool: Ask, shared_home: Home) -> None:
    result = tool(action="start", workflow_type="test_generation_v3", target_file="src/test.py")
    assert result["status"] == "success"
    assert "session_id" in result
    assert result["current_phase"] == 1
    assert result["total_phases"] == 8
    assert result["phase_content"]["phase_number"] == 1
    assert result["phase_content"]["tasks"]
    assert result["phase_content"]["checkpoint"]["required_evidence"]
    assert result["source"] == "bundled"
    assert state_file(shared_home, result).exists()


@pytest.mark.requirement("start")
def test_a_second_start_on_the_same_target_is_another_session_that_names_the_first(
    tool: Ask, started: Callable[..., Body], request: pytest.FixtureRequest
) -> None:
    target = f"twice_{request.node.callspec.id}.py"
    first, second = started(target), started(target)
    assert first["session_id"] != second["session_id"]
    assert second["open_sessions"] == [first["session_id"]]


@pytest.mark.requirement("not-found")
def test_a_workflow_that_is_not_there_is_not_found(tool: Ask) -> None:
    result = tool(action="start", workflow_type="test_generation_v4", target_file="a.py")
    assert result["error_type"] == "NotFoundError"
    assert "test_generation_v3" in result["did_you_mean"]


@pytest.mark.requirement("get-phase")
def test_the_current_phase_can_be_read(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()
    result = tool(action="get_phase", session_id=session["session_id"])
    assert result["status"] == "success"
    assert result["current_phase"] == 1
    assert result["phase_content"] == session["phase_content"]


@pytest.mark.requirement("get-phase")
def test_a_later_phase_names_the_artifacts_of_those_before(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()["session_id"]
    tool(action="complete_phase", session_id=session, phase=1, evidence=HONEST_FIRST)
    result = tool(action="get_phase", session_id=session)
    names = result["phase_content"]["artifacts_from_previous_phases"]
    assert {phase: sorted(found) for phase, found in names.items()} == {"phase_1": sorted(HONEST_FIRST)}


@pytest.mark.requirement("not-found")
@pytest.mark.parametrize("action", ["get_phase", "get_state", "get_session", "get_errors", "pause", "resume"])
def test_a_session_that_is_not_there_is_not_found(tool: Ask, action: str) -> None:
    result = tool(action=action, session_id="no_such_session")
    assert result["error_type"] == "NotFoundError"
    assert "session_id" not in result


@pytest.mark.requirement("get-task")
def test_a_task_is_read_with_its_steps(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()
    result = tool(action="get_task", session_id=session["session_id"], phase=1, task_number=1)
    assert result["status"] == "success"
    assert "execution_steps" in result["task_content"]
    assert result["task_content"]["instructions"]
    assert isinstance(result["task_content"]["artifacts_to_produce"], list)


@pytest.mark.requirement("get-task")
@pytest.mark.parametrize(("phase", "task"), [(1, 99), (99, 1)])
def test_a_phase_or_task_that_is_not_there_is_not_found(
    tool: Ask, started: Callable[..., Body], phase: int, task: int
) -> None:
    result = tool(action="get_task", session_id=started()["session_id"], phase=phase, task_number=task)
    assert result["error_type"] == "NotFoundError"
    assert result["did_you_mean"]


@pytest.mark.requirement("complete-phase-passed")
def test_good_evidence_opens_the_next_phase(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()
    result = tool(action="complete_phase", session_id=session["session_id"], phase=1, evidence=HONEST_FIRST)
    assert result["status"] == "success"
    assert result["checkpoint_passed"] is True
    assert result["phase_completed"] == 1
    assert result["next_phase"]["phase_number"] == 2
    assert {one["name"]: one["basis"] for one in result["evidence_accepted"]} == dict.fromkeys(HONEST_FIRST, "attested")
    assert result["checks"] == []


@pytest.mark.requirement("complete-phase-refused")
def test_evidence_that_lacks_something_is_refused_with_what_is_missing(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()
    evidence = {"code_structure": HONEST_FIRST["code_structure"]}
    result = tool(action="complete_phase", session_id=session["session_id"], phase=1, evidence=evidence)
    assert result["status"] == "error"
    assert result["error_type"] == "ValidationError"
    assert result["checkpoint_passed"] is False
    assert result["missing_evidence"] == ["test_candidates"]
    assert "test_candidates" in result["error"]
    assert result["remediation"]
    assert (result["attempt"], result["attempts_left"]) == (1, 2)
    assert result["session_status"] == "active"


@pytest.mark.requirement("get-state")
def test_the_state_tells_all_that_is_needed_to_go_on(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()["session_id"]
    tool(action="complete_phase", session_id=session, phase=1, evidence=HONEST_FIRST)
    result = tool(action="get_state", session_id=session)
    assert result["status"] == "success"
    assert result["workflow_type"] == "test_generation_v3"
    assert result["current_phase"] == 2
    assert result["completed_phases"] == [1]
    assert set(result["artifacts"]["phase_1"]) == set(HONEST_FIRST)
    assert result["resume_capable"] is True
    assert result["progress_percent"] == 12
    assert result["gate"] == "open"
    assert result["outstanding_evidence"]
    assert len(result["summary"].split()) <= 150
    assert result["created_at"] <= result["last_updated"]


@pytest.mark.requirement("list-sessions")
def test_sessions_are_listed_and_filtered(tool: Ask) -> None:
    for number in range(3):
        tool(action="start", workflow_type="test_gen_v3", target_file=f"test_{number}.py")
    result = tool(action="list_sessions")
    assert result["status"] == "success"
    assert result["count"] >= 3
    result = tool(action="list_sessions", status="active")
    assert result["sessions"]
    assert all(s["status"] == "active" for s in result["sessions"])


@pytest.mark.requirement("get-session")
def test_the_whole_record_of_a_session_can_be_read(tool: Ask) -> None:
    options = {"runner": "pytest", "depth": 2}
    session = tool(action="start", workflow_type="test_gen_v3", target_file="test.py", options=options)["session_id"]
    tool(action="complete_phase", session_id=session, phase=1, evidence=HONEST_FIRST)
    result = tool(action="get_session", session_id=session)
    assert result["status"] == "success"
    first, second = result["session"]["phase_history"]
    assert (first["phase"], first["status"], first["basis"], first["attempt"]) == (1, "completed", "attested", 1)
    assert first["duration_seconds"] >= 0
    assert (second["phase"], second["status"]) == (2, "in_progress")
    assert result["session"]["options"] == options
    assert result["session"]["definition"]["moved_on"] is False


@pytest.mark.requirement("delete-session")
def test_a_deleted_session_is_gone_and_its_file_too(tool: Ask, started: Callable[..., Body], shared_home: Home) -> None:
    session = started()
    before = shared_home.state / "audit.jsonl"
    result = tool(action="delete_session", session_id=session["session_id"], reason="Test cleanup")
    assert result["status"] == "success"
    assert result["deleted"] is True
    assert result["cleanup"]["state_file_removed"] is True
    assert not state_file(shared_home, session).exists()
    assert "Test cleanup" in before.read_text()
    assert tool(action="get_state", session_id=session["session_id"])["error_type"] == "NotFoundError"
    again = tool(action="delete_session", session_id=session["session_id"])
    assert (again["status"], again["deleted"]) == ("success", False)


@pytest.mark.requirement("pause-and-resume")
def test_a_paused_session_says_so(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()
    result = tool(action="pause", session_id=session["session_id"], checkpoint_note="Waiting for review")
    assert result["status"] == "success"
    assert result["paused"] is True
    assert result["resume_capable"] is True
    assert result["session_status"] == "paused"
    assert result["checkpoint"]["note"] == "Waiting for review"
    assert result["checkpoint"]["phase"] == 1
    assert result["checkpoint"]["timestamp"]


@pytest.mark.requirement("pause-and-resume")
def test_a_resumed_session_is_where_it_was(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()
    tool(action="pause", session_id=session["session_id"])
    result = tool(action="resume", session_id=session["session_id"])
    assert result["status"] == "success"
    assert result["resumed"] is True
    assert result["current_phase"] == 1
    assert result["paused_duration_seconds"] >= 0
    assert result["phase_content"] == session["phase_content"]
    assert result["session_status"] == "active"


@pytest.mark.requirement("retry-phase")
@pytest.mark.parametrize("reset", [False, True])
def test_a_phase_is_retried_with_what_went_wrong(tool: Ask, started: Callable[..., Body], reset: bool) -> None:
    session = started()["session_id"]
    half = {"code_structure": HONEST_FIRST["code_structure"]}
    tool(action="complete_phase", session_id=session, phase=1, evidence=half)
    assert tool(action="get_state", session_id=session)["outstanding_evidence"] == ["test_candidates"]
    result = tool(action="retry_phase", session_id=session, phase=1, reset_evidence=reset)
    assert result["status"] == "success"
    assert result["retrying"] is True
    assert (result["phase"], result["attempt"], result["evidence_reset"]) == (1, 2, reset)
    assert result["phase_content"]["phase_number"] == 1
    (error,) = result["previous_errors"]
    assert "test_candidates" in error["message"]
    outstanding = tool(action="get_state", session_id=session)["outstanding_evidence"]
    assert outstanding == (["code_structure", "test_candidates"] if reset else ["test_candidates"])


@pytest.mark.requirement("rollback")
def test_a_rollback_makes_an_earlier_phase_current(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()["session_id"]
    tool(action="complete_phase", session_id=session, phase=1, evidence=HONEST_FIRST)
    result = tool(action="rollback", session_id=session, to_phase=1)
    assert result["status"] == "success"
    assert result["rolled_back"] is True
    assert result["to_phase"] == 1
    assert result["from_phase"] == 2
    assert result["phase_content"]["phase_number"] == 1
    state = tool(action="get_state", session_id=session)
    assert (state["current_phase"], state["completed_phases"]) == (1, [])


@pytest.mark.requirement("get-errors")
def test_refusals_are_listed(tool: Ask, started: Callable[..., Body]) -> None:
    session = started()["session_id"]
    empty = tool(action="get_errors", session_id=session)
    assert (empty["errors"], empty["error_count"]) == ([], 0)
    assert "last_error" not in empty
    tool(action="complete_phase", session_id=session, phase=1, evidence={})
    result = tool(action="get_errors", session_id=session)
    assert result["status"] == "success"
    assert result["error_count"] == 1
    (error,) = result["errors"]
    assert {"phase", "attempt", "timestamp", "error_type", "message", "details", "remediation"} <= set(error)
    assert error["details"]["missing_evidence"] == ["code_structure", "test_candidates"]
    assert result["last_error"] == error["timestamp"]
