"""Plans through the whole product: started, walked behind their gates, pinned, and refused when they cannot be read."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.shipped_evidence import HONEST, OPTIONS, TARGET
from tests.support import Ask, Body, Home, write_honest_files

pytestmark = pytest.mark.integration

PLAN = Path(__file__).parent / "definitions" / "plans" / "pos_workflow_tasks.md"
WORKFLOW = "spec_execution_v1"
TASKS_PER_PHASE = {1: 4, 2: 6, 3: 8, 4: 5, 5: 6}
WHERE = ".praxis-os/specs/tool"
SMALL = "## Phase 1: A\n\n### Task 1.1: B\n\n**Gate:**\n- [ ] C holds\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.make(tmp_path)
    write_honest_files(made)
    (made.project / WHERE).mkdir(parents=True)
    shutil.copy(PLAN, made.project / WHERE / "tasks.md")
    return made


@pytest.fixture
def ask(home: Home) -> Ask:
    return home.asking()


def start(ask: Ask, path: Any = WHERE, **more: Any) -> Body:
    options = {} if path is None else {"options": {"spec_path": path}}
    return ask(action="start", workflow_type=WORKFLOW, target_file="src/tool.py", **{**options, **more})


def shown(content: Body) -> Body:
    """Evidence that claims everything that the phase asks for."""
    return dict.fromkeys(content["checkpoint"]["required_evidence"], True)


@pytest.mark.requirement("format:the-real-plan")
def test_a_real_plan_is_walked_from_start_to_completion_behind_every_gate(ask: Ask) -> None:
    started = start(ask)
    session_id, content = started["session_id"], started["phase_content"]
    assert (started["current_phase"], started["total_phases"]) == (0, 7)
    walked: dict[int, int] = {}
    while True:
        number = content["phase_number"]
        required = content["checkpoint"]["required_evidence"]
        assert required
        for evidence in ({}, dict.fromkeys(required, False)):
            refused = ask(action="complete_phase", session_id=session_id, phase=number, evidence=evidence)
            assert (refused["error_type"], refused["checkpoint_passed"]) == ("ValidationError", False)
        if number in TASKS_PER_PHASE:
            assert content["plan_phase"]["number"] == number
            for task in content["tasks"]:
                read = ask(action="get_task", session_id=session_id, phase=number, task_number=task["task_number"])
                assert read["task_content"]["title"] == task["title"]
                assert read["task_content"]["execution_steps"]
            evidence = shown(content)
        else:
            assert "plan_phase" not in content
            evidence = HONEST[WORKFLOW][0 if number == 0 else 3]
        walked[number] = len(content["tasks"])
        passed = ask(action="complete_phase", session_id=session_id, phase=number, evidence=evidence)
        assert passed["checkpoint_passed"] is True
        if passed.get("workflow_completed"):
            break
        content = passed["next_phase"]
    assert walked == {0: 3, **TASKS_PER_PHASE, 6: 3}
    record = ask(action="get_session", session_id=session_id)["session"]
    assert (record["session_status"], record["completed_phases"]) == ("completed", [0, 1, 2, 3, 4, 5, 6])


@pytest.mark.requirement("format:plan-gate")
def test_the_items_of_a_plan_s_gate_are_named_by_their_sentences(ask: Ask) -> None:
    session_id = start(ask)["session_id"]
    evidence = HONEST[WORKFLOW][0]
    content = ask(action="complete_phase", session_id=session_id, phase=0, evidence=evidence)["next_phase"]
    schema = content["checkpoint"]["evidence_schema"]
    assert schema["properties"]["tool_registration_working_1_tool_registered"] == {
        "type": "boolean",
        "description": "Tool registration working (1 tool registered)",
    }
    assert "pylint mcp_server/server/tools/workflow_tools.py" in content["instructions"]
    assert "Phase 1 of 5 of the plan, with 4 tasks" in content["instructions"]


def test_a_task_of_a_plan_is_served_as_the_plan_has_it(ask: Ask) -> None:
    session_id = start(ask)["session_id"]
    ask(action="complete_phase", session_id=session_id, phase=0, evidence=HONEST[WORKFLOW][0])
    task = ask(action="get_task", session_id=session_id, phase=1, task_number=3)["task_content"]
    assert task["instructions"] in PLAN.read_text()
    assert task["estimated_duration"] == "4 hours"
    assert [step["step"] for step in task["execution_steps"]] == [1, 2, 3, 4, 5]
    assert task["execution_steps"][0]["title"] == "Create `pos_workflow()` async function with complete signature"


def test_the_plan_that_the_shipped_evidence_speaks_of_is_walked_too(ask: Ask) -> None:
    started = ask(
        action="start", workflow_type="spec_execution", target_file=TARGET[WORKFLOW], options=OPTIONS[WORKFLOW]
    )
    passed: list[Body] = [
        ask(action="complete_phase", session_id=started["session_id"], phase=number, evidence=evidence)
        for number, evidence in HONEST[WORKFLOW].items()
    ]
    assert all(reply["checkpoint_passed"] for reply in passed)
    assert passed[-1]["workflow_completed"] is True


@pytest.mark.requirement("format:plan-option")
def test_list_workflows_names_the_option_that_a_plan_goes_into(ask: Ask) -> None:
    listed = {one["workflow_type"]: one for one in ask(action="list_workflows")["workflows"]}
    assert (listed[WORKFLOW]["plan_option"], listed[WORKFLOW]["phases"]) == ("spec_path", 2)
    assert "plan_option" not in listed["spec_creation_v1"]


@pytest.mark.requirement("format:plan-option")
@pytest.mark.parametrize("path", [f"{WHERE}/tasks.md", f"{WHERE}/", f"./{WHERE}"])
def test_a_plan_is_named_by_its_folder_or_its_file(ask: Ask, path: str) -> None:
    assert start(ask, path)["total_phases"] == 7


@pytest.mark.requirement("format:plan-is-pinned", "format:moved-on")
def test_a_running_session_keeps_its_plan_whatever_becomes_of_the_file(home: Home, ask: Ask) -> None:
    plan = home.project / WHERE / "tasks.md"
    session_id = start(ask)["session_id"]
    before = ask(action="complete_phase", session_id=session_id, phase=0, evidence=HONEST[WORKFLOW][0])["next_phase"]

    def served() -> tuple[Body, bool]:
        tool = home.asking()
        record = tool(action="get_session", session_id=session_id)["session"]
        return tool(action="get_phase", session_id=session_id)["phase_content"], record["definition"]["moved_on"]

    assert served() == (before, False)
    plan.write_text(SMALL)
    assert served() == (before, True)
    other = start(home.asking())
    assert other["total_phases"] == 3
    plan.write_bytes(b"\xff\xfe")
    assert served() == (before, True)
    plan.unlink()
    assert served() == (before, True)
    shutil.copy(PLAN, plan)
    assert served() == (before, False)


@pytest.mark.requirement("format:shared-copy")
def test_sessions_on_the_same_plan_share_one_stored_copy(home: Home, ask: Ask) -> None:
    shutil.copytree(home.project / WHERE, home.project / "copy")
    sessions = [start(ask)["session_id"], start(ask)["session_id"], start(ask, "copy")["session_id"]]
    digests = {ask(action="get_session", session_id=one)["session"]["definition"]["digest"] for one in sessions}
    (digest,) = digests
    assert len([path for path in home.state.rglob("*") if path.is_file() and digest in path.name]) == 1


REFUSED: list[tuple[Any, str]] = [
    (None, "is required: the path of the plan, a folder that holds tasks.md or the file itself"),
    (7, "is required"),
    ("  ", "is required"),
    ("specs/none", "there is no such file: 'specs/none'"),
    ("empty", "the folder empty has no tasks.md"),
    ("../outside", "leads outside the project (directory traversal)"),
    ("/etc/hostname", "is not relative to the project's root"),
    ("linked.md", "leads outside the project (directory traversal)"),
    ("linked", "leads outside the project (directory traversal)"),
    ("large.md", "leads to a plan of more than 1 MiB"),
    ("binary.md", "that is not UTF-8 (binary.md, byte 0)"),
    ("pipe", "there is no such file"),
    ("bad\x00name", "the path cannot be followed"),
    ("a" * 100_000, "leads to no plan"),
    ("prose.md", "prose.md: has no phase: looked for headings such as '## Phase 1: Title' with tasks beneath them"),
    ("nothing.md", "has no phase"),
    ("twice.md", "twice.md:5: the phase 1 is there twice, on the lines 1 and 5"),
    ("same.md", "same.md:1: the task 1.1 is there twice, on the lines 3 and 5"),
]


@pytest.mark.requirement("format:no-phase-no-session", "format:bad-plans")
@pytest.mark.parametrize(("path", "problem"), REFUSED, ids=[str(path)[:20] for path, _ in REFUSED])
def test_a_plan_that_cannot_be_worked_off_starts_no_session(home: Home, ask: Ask, path: Any, problem: str) -> None:
    home.write(
        {
            "prose.md": "# Thoughts\n\nPhase 1 will be hard.\n",
            "nothing.md": "",
            "twice.md": "## Phase 1: A\n\n### Task 1.1: B\n\n## Phase 1: C\n\n### Task 1.2: D\n",
            "same.md": "## Phase 1: A\n\n### Task 1.1: B\n\n### Task 1.1: C\n",
            "large.md": "x" * (1024 * 1024 + 1),
            "empty/other.md": SMALL,
        }
    )
    (home.project / "binary.md").write_bytes(b"\xff\xfe\x00")
    outside = home.project.parent / "outside"
    outside.mkdir()
    (outside / "tasks.md").write_text(SMALL)
    (home.project / "linked").symlink_to(outside)
    (home.project / "linked.md").symlink_to(outside / "tasks.md")
    os.mkfifo(home.project / "pipe")
    reply = start(ask, path)
    assert reply["error_type"] == "ValueError"
    assert [entry["field"] for entry in reply["fields"]] == ["options.spec_path"]
    assert problem in reply["error"]
    assert "No session was created" in reply["remediation"]
    assert ask(action="list_sessions")["count"] == 0


def test_what_is_doubtful_in_a_plan_is_said_at_the_start(home: Home, ask: Ask) -> None:
    home.write({"plan.md": SMALL + "\n## Later\n\n### Task 9.1: D\n"})
    assert start(ask, "plan.md")["warnings"][-1] == "plan.md:10: the task 9.1 stands in no phase and is left out"


@pytest.mark.requirement("format:yaml-plan")
def test_a_plan_in_yaml_is_walked_behind_gates_of_typed_evidence(home: Home, ask: Ask) -> None:
    home.define(
        "report_v1",
        [{"number": 1, "gate": {"evidence_schema": {"ready": {"type": "boolean"}}}}],
        dynamic_phases=True,
        dynamic_config={"source_path_key": "definition_path", "parser": "workflow_definition_parser"},
    )
    shutil.copy(PLAN.parent / "workflow-definition.yaml", home.project / "plan.yaml")
    begun = ask(action="start", workflow_type="report_v1", target_file=".", options={"definition_path": "plan.yaml"})
    session_id = begun["session_id"]
    assert begun["total_phases"] == 4

    def completed(phase: int, **evidence: Any) -> Body:
        return ask(action="complete_phase", session_id=session_id, phase=phase, evidence=evidence)

    content = completed(1, ready=True)["next_phase"]
    assert (content["phase_number"], content["plan_phase"]) == (2, {"number": 1, "title": "Collect"})
    assert completed(2, accounts=0, sums_match=False)["checkpoint_passed"] is False
    assert completed(2, accounts=4, sums_match=True)["next_phase"]["plan_phase"]["number"] == 3
    assert completed(4, report_path="")["checkpoint_passed"] is False
    assert completed(4, report_path="out/report.md")["checkpoint_passed"] is True
    assert completed(5, the_person_has_it=True)["workflow_completed"] is True


def test_a_definition_without_a_plan_option_needs_none(home: Home, ask: Ask) -> None:
    home.define("plain_v1", [{"number": 1, "gate": {"evidence_schema": {"a": {"type": "boolean"}}}}])
    assert json.loads((home.definitions / "plain_v1" / "metadata.json").read_text())["workflow_type"] == "plain_v1"
    assert (
        ask(action="start", workflow_type="plain_v1", target_file="x", options={"spec_path": "no"})["total_phases"] == 1
    )
