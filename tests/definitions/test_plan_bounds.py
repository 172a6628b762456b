"""Large, odd and hostile plans: each is read or refused in bounded time, with what is wrong."""

from __future__ import annotations

import time

import pytest

from mcp_server.definitions.plans.dynamic import read_plan
from mcp_server.definitions.plans.model import MAX_ITEMS, MAX_PHASES, MAX_TASKS
from mcp_server.definitions.plans.tasks_md import MAX_LINES, read_tasks_md
from mcp_server.domain.checks import Approval
from mcp_server.domain.definition import PlanSource

pytestmark = pytest.mark.unit

MARKDOWN = PlanSource(option="spec_path", parser="spec_tasks_parser")
YAML = PlanSource(option="spec_path", parser="workflow_definition_parser")
SECONDS = 20
"""Generous for a busy machine; what grows with the square of a mebibyte takes hours."""


def said(text: str, source: PlanSource = MARKDOWN) -> list[str]:
    _, problems = read_plan(source, "plan", text.encode())
    return [f"{problem.severity} {problem}" for problem in problems]


def test_a_plan_of_a_thousand_tasks_is_read() -> None:
    phases = [
        f"## Phase {phase}: P\n\n" + "".join(f"### Task {phase}.{task}: T\n\nText.\n\n" for task in range(1, 101))
        for phase in range(1, 11)
    ]
    plan, problems = read_tasks_md("\n".join(phases), "tasks.md")
    assert problems == ()
    assert plan is not None
    assert [len(phase.tasks) for phase in plan.phases] == [100] * 10


@pytest.mark.requirement("format:bad-plans")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n" * MAX_LINES, f"error plan: has more than {MAX_LINES} lines"),
        (
            "".join(f"## Phase {n}: P\n### Task {n}.1: T\n" for n in range(MAX_PHASES + 1)),
            "error plan: has more than 200 phases",
        ),
        ("## Phase 1: P\n" * 1_001, "error plan: speaks of phases in more than 1000 headings"),
        (
            "## Phase 1: P\n" + "".join(f"- [ ] T{n} x\n" for n in range(1, MAX_TASKS + 2)),
            "error plan: has more than 2000 tasks",
        ),
        (
            "## Phase 1: P\n### Task 1.1: T\n## Gate\n" + "".join(f"- [ ] item {n}\n" for n in range(MAX_ITEMS + 1)),
            "error plan: has more than 500 items in one gate",
        ),
    ],
)
def test_what_is_too_much_is_an_error(text: str, problem: str) -> None:
    assert said(text) == [problem]


HOSTILE = {
    "headings": "## Phase 1: A\n",
    "tasks": "### Task 1.1: A\n",
    "items": "- [ ] T001 a\n",
    "labels": "**A:**\n\n",
    "gates": "**Gate:**\n\n",
    "deep lists": "- - - - - - - - - - - - - - - - - - - - a\n",
    "deep quotes": "> > > > > > > > > > > > > > > a\n",
    "rules": "---\n\n",
    "stars": "****",
    "brackets": "[[[[ ",
    "parentheses in a title": "(1 ",
    "one line": "Phase 1 ",
    "references": "[a]: b\n",
    "entities": "&#35;",
}


@pytest.mark.requirement("format:bounded")
@pytest.mark.parametrize("piece", HOSTILE.values(), ids=list(HOSTILE))
@pytest.mark.parametrize(
    "lead",
    [
        pytest.param("## Phase 1: A\n\n### Task 1.1: B\n\n", id="within a plan"),
        pytest.param("", id="alone", marks=pytest.mark.slow),
        pytest.param("## Phase 1: A ", id="in a title", marks=pytest.mark.slow),
    ],
)
def test_a_mebibyte_of_anything_ends_soon(lead: str, piece: str) -> None:
    size = min(1024 * 1024 - len(lead), (MAX_LINES - 10) * len(piece) // max(1, piece.count("\n")))
    began = time.process_time()
    read_tasks_md(lead + piece * (size // len(piece)), "tasks.md")
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "error plan:1: is empty"),
        ("a: [", "error plan:1: is not valid YAML"),
        ("phases: []", "error plan: has no phase: looked for a list 'phases'"),
        ("other: 1", "error plan: has no phase"),
        ("phases: {}", "error plan:1: phases has to be a list"),
        ("phases: [a]", "error plan:1: phases[0] has to be a mapping"),
        ("phases:\n- {number: 1}\n- {number: 1}", "error plan:3: the phase 1 is there twice"),
        ("phases:\n- {number: -1}", "error plan:2: phases[0].number has to be an integer"),
        ("phases:\n- tasks:\n  - {number: 2}\n  - {number: 2}", "error plan:4: the task 2 is there twice"),
        ("phases:\n- validation_gate: soft", "error plan:2: phases[0].validation_gate has to be a mapping"),
        (
            "phases:\n- validation_gate:\n    evidence_required:\n      a: {validator: gone}",
            "error plan:3: the field 'a': there is no validator 'gone'",
        ),
        ("a: &a [1]\nphases: *a", "error plan:2: uses an alias"),
    ],
)
def test_a_plan_in_yaml_that_cannot_be_read_is_an_error_with_its_line(text: str, problem: str) -> None:
    found = said(text, YAML)
    assert any(one.startswith(problem) for one in found), found


def test_a_plan_in_yaml_that_wants_a_person_s_approval_has_a_gate_that_asks_for_it() -> None:
    text = "phases:\n- {number: 1, validation_gate: {human_approval_required: true, evidence_required: {a: {}}}}"
    plan, problems = read_plan(YAML, "plan", text.encode())
    assert problems == ()
    assert plan is not None
    assert plan.phases[0].gate is not None
    assert plan.phases[0].gate.approval == Approval()


def test_problems_name_the_line_in_the_file_also_behind_front_matter() -> None:
    text = "---\ntitle: x\n---\n\n## Phase 1: A\n\n### Task 1.1: B\n\n## Later\n\n### Task 9.1: C\n"
    assert said(text) == ["warning plan:11: the task 9.1 stands in no phase and is left out"]
