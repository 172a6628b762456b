"""Dynamic definitions: fixed phases, the plan's, the closing ones; their numbers, gates and words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_server.definitions.bundle import Bundle
from mcp_server.definitions.folder import read_folder
from mcp_server.definitions.parse import Parsed, parse
from mcp_server.definitions.validate import validate_folder
from mcp_server.domain.definition import Phase, Workflow
from mcp_server.domain.gates import required_names
from tests.definitions.conftest import Write

pytestmark = pytest.mark.integration

FIXED = [{"phase_number": 0, "phase_name": "Read"}, {"phase_number": "1-N", "phase_name": "Build"}]
CONFIG = {"source_path_key": "spec_path", "parser": "spec_tasks_parser"}
GATE = "evidence_schema: {count: {type: integer}}"
Files = dict[str, str | bytes]


def plan_of(*numbers: int) -> str:
    return "".join(f"## Phase {n}: Part {n}\n\n### Task {n}.1: Do {n}\n\n" for n in numbers)


@pytest.fixture
def dynamic(write: Write) -> Any:
    """Parses a dynamic definition with a plan."""

    def parsed(plan: str | None, files: Files | None = None, **metadata: Any) -> Parsed:
        merged = {"dynamic_phases": True, "dynamic_config": CONFIG, "phases": FIXED, **metadata}
        bundle = read_folder(write(files, **merged)).bundle
        return parse(bundle if plan is None else bundle.with_plan("tasks.md", plan.encode()))

    return parsed


def workflow(parsed: Parsed) -> Workflow:
    assert parsed.errors == ()
    assert parsed.workflow is not None
    return parsed.workflow


def planned(parsed: Parsed) -> list[tuple[int, int]]:
    """The session's number and the plan's of each phase that came from the plan."""
    return [(one.number, one.plan_phase.number) for one in workflow(parsed).phases if one.plan_phase]


def only(parsed: Parsed) -> Phase:
    return next(one for one in workflow(parsed).phases if one.plan_phase)


@pytest.mark.requirement("format:numbering", "format:plan-numbers-of-its-own")
@pytest.mark.parametrize(
    ("fixed", "plan", "numbers"),
    [
        ([0], [1, 2, 3], [(1, 1), (2, 2), (3, 3)]),
        ([0], [0, 1], [(1, 0), (2, 1)]),
        ([0, 1], [1, 2], [(2, 1), (3, 2)]),
        ([0], [1, 3, 7], [(1, 1), (3, 3), (7, 7)]),
        ([0], [0, 2, 5], [(1, 0), (3, 2), (6, 5)]),
        ([0], [2, 1, 3], [(2, 2), (3, 1), (4, 3)]),
        ([], [0, 1], [(0, 0), (1, 1)]),
        ([5], [1], [(6, 1)]),
    ],
)
def test_a_plan_s_phases_keep_their_numbers_as_far_as_they_follow_the_fixed_ones(
    dynamic: Any, fixed: list[int], plan: list[int], numbers: list[tuple[int, int]]
) -> None:
    phases = [{"phase_number": number, "phase_name": "Fixed"} for number in fixed]
    found = dynamic(plan_of(*plan), phases=phases)
    assert planned(found) == numbers
    assert [one.title for one in workflow(found).phases if one.plan_phase] == [f"Part {number}" for number in plan]


@pytest.mark.requirement("format:fixed-phases-first")
def test_closing_phases_come_after_the_plan_s_last(dynamic: Any) -> None:
    files: Files = {
        "phases/closing/phase.md": "# Look back\n",
        "phases/closing/gate-definition.yaml": GATE,
        "phases/closing/task-1-look.md": "# Task 1: Look\n",
        "phases/closing/2/phase.md": "# Hand over\n",
        "phases/closing/10/phase.md": "# Celebrate\n",
    }
    entry = {"phase_number": "closing", "phase_name": "Closing", "purpose": "See the whole"}
    found = workflow(dynamic(plan_of(1, 4), files, phases=[*FIXED, entry]))
    assert found.numbers == (0, 1, 4, 5, 6, 7)
    closing = found.phases[3:]
    assert [one.title for one in closing] == ["Closing", "Hand over", "Celebrate"]
    assert (closing[0].description, closing[0].tasks[0].title) == ("See the whole", "Look")
    assert required_names(closing[0].gate) == ("count",)
    assert closing[0].plan_phase is None


def test_without_its_plan_a_definition_has_the_phases_that_are_always_there(dynamic: Any) -> None:
    assert workflow(dynamic(None, phases=[{"phase_number": "1-N", "phase_name": "Build"}])).phases == ()
    found = workflow(dynamic(None, {"phases/closing/phase.md": "# End\n"}))
    assert [one.title for one in found.phases] == ["Read", "End"]


@pytest.mark.requirement("format:plan-gate")
def test_a_gate_asks_for_its_items_else_for_acceptance_else_for_a_summary(dynamic: Any) -> None:
    accepted = "**Acceptance Criteria:**\n- [ ] It"
    tasks = f"### Task 1.1: A\n\n{accepted} runs\n\n### Task 1.2: B\n\n{accepted} stops\n\n"
    gate = "**Validation Gate:**\n- [ ] All green!\n- [ ] All green?\n"
    stated = only(dynamic(f"## Phase 1: P\n\n{tasks}{gate}")).gate
    assert [(field.name, field.type, field.required, field.description) for field in stated.fields] == [
        ("all_green", "boolean", True, "All green!"),
        ("all_green_2", "boolean", True, "All green?"),
    ]
    assert required_names(only(dynamic(f"## Phase 1: P\n\n{tasks}")).gate) == ("it_runs", "it_stops")
    own = "## Phase 1: P\n\n**Acceptance Criteria:**\n- [ ] The whole holds\n\n"
    assert required_names(only(dynamic(own + tasks)).gate) == ("the_whole_holds",)
    assert required_names(only(dynamic(plan_of(1))).gate) == ("summary",)


@pytest.mark.requirement("format:templates", "format:unknown-placeholders")
@pytest.mark.parametrize("named", ["dynamic/p.md", "phases/dynamic/p.md", "p.md"])
@pytest.mark.parametrize(
    "template",
    [
        "# [PHASE_NUMBER] [PHASE_NAME]\n[TASK_COUNT] task\n[UNKNOWN]\n",
        "# {{phase_number}} {{phase_name}}\n{{task_count}} task\n{{unknown}}\n",
    ],
)
def test_a_template_of_either_dialect_and_path_gives_a_phase_its_words(dynamic: Any, named: str, template: str) -> None:
    config = {**CONFIG, "templates": {"phase": named}}
    found = dynamic(plan_of(1), {"phases/dynamic/p.md": template}, dynamic_config=config)
    assert only(found).instructions == "# 1 Part 1\n1 task\n\n"
    (warning,) = [str(problem) for problem in found.problems]
    assert warning.startswith("phases/dynamic/p.md:3: '")
    assert "stands for nothing in a plan" in warning


def test_templates_of_the_usual_names_are_found_without_being_named(dynamic: Any) -> None:
    files: Files = {
        "phases/dynamic/task-template.md": (
            "# [TASK_ID] [TASK_NAME] of [PHASE_NAME], next [NEXT_TASK_NUMBER]\n\n{{#each steps}}{{this}}.{{/each}}\n"
        )
    }
    plan = "## Phase 1: P\n\n### Task 1.1: A\n\n**Steps:**\n1. Go\n2. Stop\n\n### Task 1.2: B\n"
    first, second = only(dynamic(plan, files)).tasks
    assert first.body == "# 1.1 A of P, next 2\n\nGo.Stop.\n"
    assert second.body.startswith("# 1.2 B of P, next \n")


def test_without_templates_the_plan_s_own_words_are_served(dynamic: Any) -> None:
    phase = only(dynamic("## Phase 1: P\n\nWhy.\n\n### Task 1.1: A\n\nHow.\n"))
    assert (phase.instructions, phase.description) == ("## Phase 1: P\n\nWhy.\n", "Why.")
    assert phase.tasks[0].body == "### Task 1.1: A\n\nHow."


@pytest.mark.requirement("format:dynamic-config")
@pytest.mark.parametrize(
    ("metadata", "files", "problem"),
    [
        ({"dynamic_config": None}, {}, "source_path_key is missing"),
        ({"dynamic_config": {"source_path_key": "a", "parser": "own"}}, {}, "there is no parser 'own'"),
        ({"dynamic_config": []}, {}, "source_path_key is missing"),
        ({"dynamic_config": {**CONFIG, "templates": {"phase": "gone.md"}}}, {}, "the template gone.md is not there"),
        (
            {},
            {"phases/dynamic/phase-template.md": "---\na: b\n---\n\n{{#if a}}"},
            "phase-template.md:5: has {{#if}} without",
        ),
        ({"start_phase": "x"}, {}, "start_phase has to be an integer"),
    ],
)
def test_what_is_wrong_with_the_dynamic_part_is_named(
    dynamic: Any, metadata: dict[str, Any], files: Files, problem: str
) -> None:
    said = [str(one) for one in dynamic(None, files, **metadata).problems]
    assert any(problem in one for one in said), said


@pytest.mark.requirement("format:no-phase-no-session")
def test_a_plan_without_a_phase_is_an_error_that_says_what_was_looked_for(dynamic: Any) -> None:
    (error,) = dynamic("# Notes\n\nNothing yet.\n").errors
    assert str(error).startswith("tasks.md: has no phase: looked for headings such as '## Phase 1: Title'")


def test_a_plan_is_a_part_of_the_bundle_and_of_its_digest(write: Write) -> None:
    bundle = read_folder(write(dynamic_phases=True, dynamic_config=CONFIG, phases=FIXED)).bundle
    with_plan = bundle.with_plan("tasks.md", plan_of(1).encode())
    assert with_plan.digest not in {bundle.digest, bundle.with_plan("tasks.md", plan_of(2).encode()).digest}
    assert Bundle.decode(with_plan.encode()) == with_plan
    assert with_plan.plan == ("tasks.md", plan_of(1).encode())
    assert bundle.plan is None


def test_a_folder_cannot_bring_a_plan_of_its_own(write: Write, tmp_path: Path) -> None:
    path = write({".plan/tasks.md": plan_of(1)}, dynamic_phases=True, dynamic_config=CONFIG, phases=FIXED)
    assert path.is_relative_to(tmp_path)
    assert read_folder(path).bundle.plan is None


def test_validate_names_the_gate_files_of_closing_phases(write: Write) -> None:
    files: Files = {
        "phases/0/gate-definition.yaml": GATE,
        "phases/closing/gate-definition.yaml": "evidence_schema: {a: {type: boolean}}",
        "phases/closing/2/gate-definition.yaml": "evidence_schema: {a: {required: false}}",
    }
    path = write(files, dynamic_phases=True, dynamic_config=CONFIG, phases=FIXED, total_phases=9)
    assert [str(problem) for problem in validate_folder(path)] == [
        "phases/closing/2/gate-definition.yaml:1: phase 2: requires nothing, so empty evidence opens it",
        "phases/closing/gate-definition.yaml:1: phase 1: asks for booleans only, which are easily said",
    ]
