"""Plans as people write them: each shape of ``tasks.md``, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server.definitions.plans.dynamic import read_plan
from mcp_server.definitions.plans.model import Plan, PlanPhase, PlanTask
from mcp_server.domain.definition import PlanSource

pytestmark = pytest.mark.unit

PLANS = Path(__file__).parent / "plans"
MARKDOWN = PlanSource(option="spec_path", parser="spec_tasks_parser")
YAML = PlanSource(option="spec_path", parser="workflow_definition_parser")

SHAPES: dict[str, dict[int, tuple[list[str], int]]] = {
    "pos_workflow_tasks.md": {
        1: (["1.1", "1.2", "1.3", "1.4"], 6),
        2: (["2.1", "2.2", "2.3", "2.4", "2.5", "2.6"], 7),
        3: (["3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8"], 7),
        4: (["4.1", "4.2", "4.3", "4.4", "4.5"], 8),
        5: (["5.1", "5.2", "5.3", "5.4", "5.5", "5.6"], 11),
    },
    "checklist_with_trailing_chapters.md": {1: (["1.1", "1.2"], 2), 2: (["2.1"], 1)},
    "spec_kit.md": {
        1: (["T001", "T002"], 0),
        2: (["T003", "T004"], 1),
        3: (["T005", "T006", "T007"], 1),
        4: (["T008"], 0),
    },
    "gates_at_the_end.md": {1: (["1.1", "1.2"], 2), 2: (["2.1"], 1)},
    "gate_after_the_phase.md": {1: (["1.1", "1.2"], 1), 2: (["2.1"], 2)},
    "tasks_in_a_chapter_beside.md": {1: (["1.1", "1.2"], 1), 2: (["2.1"], 1)},
    "phase_zero_and_holes.md": {0: (["0.1", "0.2"], 0), 2: (["2.1", "2.10"], 0), 5: (["5.1"], 0)},
    "phases_of_the_first_rank.md": {1: (["1.1", "1.2"], 2), 2: (["2.1"], 1)},
    "code_blocks_and_html.md": {1: (["1.1", "1.2"], 1)},
}
"""For each phase of each plan its tasks and how many items its gate has."""


def plan(name: str) -> Plan:
    found, problems = read_plan(MARKDOWN, name, (PLANS / name).read_bytes())
    assert found is not None
    assert problems == ()
    return found


def phase(name: str, number: int) -> PlanPhase:
    return next(one for one in plan(name).phases if one.number == number)


def task(name: str, label: str) -> PlanTask:
    return next(task for one in plan(name).phases for task in one.tasks if task.label == label)


def read(text: str) -> tuple[Plan | None, list[str]]:
    found, problems = read_plan(MARKDOWN, "tasks.md", text.encode())
    return found, [f"{problem.severity} {problem}" for problem in problems]


@pytest.mark.requirement("format:plan-headings", "format:plan-tasks", "format:plan-numbers-of-its-own")
@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_its_phases_tasks_and_gates(name: str) -> None:
    found = {one.number: ([task.label for task in one.tasks], len(one.gate_items)) for one in plan(name).phases}
    assert found == SHAPES[name]


def test_every_plan_among_the_fixtures_is_read() -> None:
    assert {path.name for path in PLANS.glob("*.md")} == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_line_ends_and_a_byte_order_mark_make_no_difference(name: str) -> None:
    data = (PLANS / name).read_bytes()
    for other in (data.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + data):
        assert read_plan(MARKDOWN, name, other)[0] == plan(name)


@pytest.mark.requirement("format:plan-phase-fields")
def test_a_phase_says_its_objective_duration_dependencies_and_deliverables() -> None:
    index = phase("checklist_with_trailing_chapters.md", 1)
    assert (index.title, index.objective) == ("Index", "Every document can be found by its words.")
    assert (index.estimated_duration, index.dependencies) == ("2 days", "none")
    assert phase("gates_at_the_end.md", 1).deliverables == ("`mailbox.py`", "A corpus of 20 mails")
    assert phase("gate_after_the_phase.md", 1).objective == "Counts what each client asks for."


def test_a_duration_in_the_title_counts_where_no_other_is_told() -> None:
    first = phase("pos_workflow_tasks.md", 1)
    assert (first.title, first.estimated_duration) == ("Foundation (Days 1-2)", "Days 1-2")


@pytest.mark.requirement("format:plan-task-fields")
def test_a_task_says_its_time_dependencies_steps_and_acceptance() -> None:
    found = task("pos_workflow_tasks.md", "3.8")
    assert (found.number, found.title) == (8, "Implement get_errors Action")
    assert (found.estimated_duration, found.dependencies) == ("2 hours", "Task 3.7")
    assert found.steps == (
        "Create `_handle_get_errors()` function",
        "Return error log from session state",
        "Add tests",
    )
    assert found.acceptance[3] == "Includes error_count and last_error timestamp"
    listed = task("checklist_with_trailing_chapters.md", "1.2")
    assert (listed.title, listed.estimated_duration, listed.dependencies) == ("Write the index", "1 day", "Task 1.1")
    assert listed.acceptance == ("10,000 documents are indexed in 60 s", "A crash leaves the old index")
    assert task("pos_workflow_tasks.md", "5.6").deliverables[2] == "`CHANGELOG.md` entry"


def test_the_details_of_an_item_stay_with_it() -> None:
    found = task("pos_workflow_tasks.md", "5.4").acceptance
    assert found[2] == "Alerts configured for: Response time > 1s; Error rate > 5%; Memory usage > 100MB"


def test_a_task_is_served_as_it_stands_in_the_file() -> None:
    text = (PLANS / "pos_workflow_tasks.md").read_text()
    body = task("pos_workflow_tasks.md", "1.4").body
    assert body in text
    assert body.startswith("### Task 1.4: Implement Input Validation Helpers\n**Priority:** High")
    assert body.endswith("**Traceability:** FR-007, NFR-S1 (Security)")
    listed = task("checklist_with_trailing_chapters.md", "1.1").body
    assert listed.startswith("- [ ] **Task 1.1**: Tokenise the documents\n  - **Estimated Time:** 4 hours")


def test_a_phase_is_served_less_its_tasks_with_its_gate_wherever_that_stands() -> None:
    body = phase("pos_workflow_tasks.md", 1).body
    assert body.startswith("## Phase 1: Foundation (Days 1-2)\n\n**Objective:**")
    assert "**Phase 1 Validation Gate:**" in body
    assert "### Task" not in body
    distant = phase("gates_at_the_end.md", 1)
    assert distant.body.startswith("## Phase 1: Read a mailbox")
    assert "- [ ] No mail is skipped silently" in distant.body


@pytest.mark.requirement("format:plan-gate")
def test_the_commands_of_a_gate_are_shown_as_they_stand() -> None:
    (commands,) = phase("gates_at_the_end.md", 1).evidence
    assert commands == "python -m mailbox corpus/ | wc -l\n# Phase 3: this is a comment and no heading"


def test_what_else_a_gate_wants_ticked_is_asked_for_with_its_label() -> None:
    assert phase("pos_workflow_tasks.md", 5).gate_items[-3:] == (
        "Sign-off required: Tech Lead",
        "Sign-off required: Product Manager",
        "Sign-off required: QA Lead",
    )


def test_a_gate_without_checkboxes_asks_for_its_items_or_for_what_it_says() -> None:
    first, second = plan("phases_of_the_first_rank.md").phases
    assert first.gate_items == ("The golden images match", "A frame takes less than 16 ms")
    assert second.gate_items == ("The shape under the pointer is found in every one of the 200 recorded cases.",)
    assert phase("spec_kit.md", 2).gate_items == ("Foundation ready, the stories can begin",)


@pytest.mark.requirement("format:plan-decoys")
@pytest.mark.parametrize(
    "heading",
    [
        "Phase 1 Tasks",
        "Phase 1 Validation Gate",
        "Phase 1 → Phase 2",
        "Phase 1 -> Phase 2",
        "Phase 1 to Phase 2",
        "Phase 1-2: both",
        "Phase 1 Acceptance Criteria",
        "Phase 1 Risks",
        "Phase 1.1: Part",
        "Phase 1a: Other",
        "Phases 1 and 2",
        "Phasing",
    ],
)
def test_a_heading_that_only_mentions_a_phase_is_none(heading: str) -> None:
    found, problems = read(f"## Phase 1: A\n\n### Task 1.1: B\n\n## {heading}\n\nText.\n")
    assert found is not None
    assert [(one.number, one.title) for one in found.phases] == [(1, "A")]
    assert problems == []


@pytest.mark.requirement("format:plan-headings", "format:plan-tasks")
@pytest.mark.parametrize("heading", ["## Phase 1: A", "## 🚀 Phase 1: A", "## **Phase 1: A**", "## PHASE 1 - A"])
@pytest.mark.parametrize("task", ["### Task 1.1: B", "#### 🎯 Task 1.1 - B", "- [ ] **Task 1.1**: B", "* Task 1.1: B"])
def test_signs_around_a_heading_make_no_difference(heading: str, task: str) -> None:
    found, _ = read(f"{heading}\n\n{task}\n")
    assert found is not None
    assert [(one.number, one.title.upper()) for one in found.phases] == [(1, "A")]
    assert [(one.label, one.title) for one in found.phases[0].tasks] == [("1.1", "B")]


@pytest.mark.requirement("format:plan-decoys")
@pytest.mark.parametrize(
    "chapter", ["Timeline", "Time Estimates", "Risk Management", "Acceptance Criteria", "Validation Gates"]
)
def test_a_chapter_that_lists_phases_again_adds_none(chapter: str) -> None:
    plain = "## Work\n\n### Phase 1: A\n\n- [ ] **Task 1.1**: B\n- [ ] **Task 1.2**: C\n"
    found, _ = read(plain + f"\n## {chapter}\n\n### Phase 1: A\n\n- Task 1.1: 2 hours\n\n### Phase 2: Later\n\nx\n")
    before, _ = read(plain)
    assert found is not None
    assert before is not None
    assert [(p.number, p.tasks) for p in found.phases] == [(p.number, p.tasks) for p in before.phases]


def test_a_phase_without_tasks_counts_among_phases_that_have_some() -> None:
    found, _ = read("## Phase 1: A\n\n### Task 1.1: B\n\n## Phase 2: Review\n\n**Gate:**\n- [ ] Looked at\n")
    assert found is not None
    assert [(one.number, len(one.tasks), one.gate_items) for one in found.phases] == [
        (1, 1, ()),
        (2, 0, ("Looked at",)),
    ]


@pytest.mark.requirement("format:plan-headings")
def test_the_title_of_a_file_may_begin_like_a_phase() -> None:
    found, _ = read("# Phase 2: the rewrite\n\n## Phase 1: A\n\n### Task 1.1: B\n\n## Phase 2: C\n\n### Task 2.1: D\n")
    assert found is not None
    assert [one.title for one in found.phases] == ["A", "C"]


def test_what_a_task_depends_on_is_no_task() -> None:
    text = (
        "## Phase 1: A\n\n**Dependencies:**\n- Task 0.9\n\n"
        "**Tasks:**\n- [ ] **Task 1.1**: B\n  - Dependencies:\n    - Task 0.9\n"
    )
    found, _ = read(text)
    assert found is not None
    assert [task.label for task in found.phases[0].tasks] == ["1.1"]
    assert found.phases[0].tasks[0].dependencies == "Task 0.9"


def test_tasks_of_three_parts_are_numbered_by_their_place() -> None:
    found, _ = read("## Phase 1: A\n\n### Task 1.1.1: B\n\n### Task 1.2.1: C\n")
    assert found is not None
    assert [(task.number, task.label) for task in found.phases[0].tasks] == [(1, "1.1.1"), (2, "1.2.1")]


def test_a_task_below_a_task_belongs_to_it() -> None:
    found, _ = read("## Phase 1: A\n\n### Task 1.1: B\n\n#### Task 1.1.1: C\n\n### Task 1.2: D\n")
    assert found is not None
    assert [task.label for task in found.phases[0].tasks] == ["1.1", "1.2"]
    assert "Task 1.1.1" in found.phases[0].tasks[0].body


def test_a_task_in_no_phase_is_said_to_be_left_out() -> None:
    _, problems = read("## Phase 1: A\n\n### Task 1.1: B\n\n## Later\n\n### Task 9.1: C\n")
    assert problems == ["warning tasks.md:7: the task 9.1 stands in no phase and is left out"]


def test_a_gate_of_a_phase_that_is_not_there_is_said() -> None:
    _, problems = read("## Phase 1: A\n\n### Task 1.1: B\n\n## Phase 4 Validation Gate\n\n- [ ] C\n")
    assert problems == ["warning tasks.md:5: has a gate of the phase 4, which is not there"]


@pytest.mark.requirement("format:yaml-plan")
def test_a_plan_in_yaml_has_phases_tasks_and_gates_of_typed_evidence() -> None:
    found, problems = read_plan(YAML, "plan.yaml", (PLANS / "workflow-definition.yaml").read_bytes())
    assert problems == ()
    assert found is not None
    collect, write, send = found.phases
    assert (collect.number, collect.title, collect.objective) == (1, "Collect", "The numbers of the month are there.")
    assert collect.deliverables == ("numbers.json",)
    assert collect.gate is not None
    assert [(field.name, field.type, field.validator) for field in collect.gate.fields] == [
        ("accounts", "integer", "positive"),
        ("sums_match", "boolean", None),
    ]
    first = collect.tasks[0]
    assert (first.title, first.estimated_duration, first.steps) == (
        "Query the ledger",
        "30 minutes",
        ("Write the query", "Run it"),
    )
    assert [task.title for task in write.tasks] == ["Write the text", "Draw the chart"]
    assert write.gate is not None
    assert [(field.name, field.description) for field in write.gate.fields] == [
        ("report_path", "Where the report lies")
    ]
    assert (send.gate, send.acceptance) == (None, ("The person has it",))
