"""A plan that is written in any of the shapes that people use is read as what it was written from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.definitions.plans.model import PlanPhase, PlanTask
from mcp_server.definitions.plans.tasks_md import read_tasks_md

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Shape:
    """How a plan is written down."""

    rank: int
    sign: str
    emoji: str
    tasks: str
    chapter: bool
    gate: str
    trailing: bool
    decoys: bool


SHAPES = st.builds(
    Shape,
    rank=st.sampled_from([2, 3]),
    sign=st.sampled_from([": ", " - ", " — ", ". "]),
    emoji=st.sampled_from(["", "🚀 ", "⚙️ "]),
    tasks=st.sampled_from(["headings", "items", "numbered items"]),
    chapter=st.booleans(),
    gate=st.sampled_from(["heading inside", "label inside", "after", "at the end", "transitions at the end"]),
    trailing=st.booleans(),
    decoys=st.booleans(),
)

WORDS = ["stream", "rows", "Index", "cache", "of", "42", "`make test`", "prints", "ünïcode", "green", "(twice)", "API"]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=2, max_size=6).map(lambda words: "Do " + " ".join(words))
DURATIONS = st.sampled_from(["", "2 hours", "1 day"])
LISTS = st.lists(SENTENCES, max_size=3, unique=True).map(tuple)
TASKS = st.builds(
    PlanTask,
    number=st.just(0),
    label=st.just(""),
    title=SENTENCES,
    estimated_duration=DURATIONS,
    dependencies=st.sampled_from(["", "None", "Task 1.1"]),
    steps=LISTS,
    acceptance=LISTS,
)
PHASES = st.builds(
    PlanPhase,
    number=st.just(0),
    title=SENTENCES,
    objective=SENTENCES,
    estimated_duration=DURATIONS,
    dependencies=st.sampled_from(["", "None", "Phase 1"]),
    deliverables=LISTS,
    gate_items=LISTS,
    evidence=st.sampled_from([(), ("make test\n## Phase 9: no heading",)]),
    tasks=st.lists(TASKS, min_size=1, max_size=4).map(tuple),
)
NUMBERS = st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True).map(sorted)

DECOY = "````text\n## Phase 8: Decoy\n- [ ] **Task 8.1**: Decoy\n**Phase 8 Validation Gate:**\n- [ ] decoy\n````\n"


def written(phases: list[PlanPhase], shape: Shape) -> str:
    parts = ["# Plan\n"]
    if shape.rank == 3:
        parts.append("## Implementation\n")
    for phase in phases:
        parts += written_phase(phase, shape)
    if "at the end" in shape.gate:
        parts.append("## Validation Gates\n")
        for phase in phases:
            rest = f" → Phase {phase.number + 1}" if shape.gate.startswith("transitions") else ""
            parts += [f"### Phase {phase.number}{rest}\n", *written_gate(phase)]
    if shape.trailing:
        parts.append("## Time Estimates\n")
        for phase in phases:
            parts += [f"### Phase {phase.number}{shape.sign}{phase.title}\n", "About a day, all of it.\n"]
        parts += ["## Risks\n", f"### Phase {phases[0].number} → Phase {phases[-1].number}\n", "None known.\n"]
    return "\n".join(parts)


def written_phase(phase: PlanPhase, shape: Shape) -> Iterator[str]:
    mark = "#" * shape.rank
    yield f"{mark} {shape.emoji}Phase {phase.number}{shape.sign}{phase.title}\n"
    yield f"**Objective:** {phase.objective}\n"
    if phase.estimated_duration:
        yield f"**Estimated Duration:** {phase.estimated_duration}\n"
    if phase.dependencies:
        yield f"**Dependencies:** {phase.dependencies}\n"
    if phase.deliverables:
        yield "**Deliverables:**\n" + "".join(f"- {text}\n" for text in phase.deliverables)
    if shape.decoys:
        yield DECOY
    if shape.chapter:
        yield f"{mark}# Phase {phase.number} Tasks\n"
    for task in phase.tasks:
        yield from headed(task, shape) if shape.tasks == "headings" else listed(task, shape)
    if shape.gate == "heading inside":
        yield f"{mark}# Validation Gate\n"
    elif shape.gate == "label inside":
        yield f"**Phase {phase.number} Validation Gate:**\n"
    elif shape.gate == "after":
        yield f"{mark} Phase {phase.number} Validation Gate\n"
    else:
        return
    yield from written_gate(phase)


def written_gate(phase: PlanPhase) -> Iterator[str]:
    yield "Before going on:\n"
    yield "".join(f"- [ ] {item}\n" for item in phase.gate_items)
    for commands in phase.evidence:
        yield f"**Evidence Required:**\n\n```bash\n{commands}\n```\n"


def headed(task: PlanTask, shape: Shape) -> Iterator[str]:
    yield f"{'#' * (shape.rank + 1 + shape.chapter)} Task {task.label}{shape.sign}{task.title}\n"
    if task.estimated_duration:
        yield f"**Estimated Time:** {task.estimated_duration}  "
    yield f"**Dependencies:** {task.dependencies}\n" if task.dependencies else ""
    if task.steps:
        yield "**Steps:**\n" + "".join(f"{place}. {text}\n" for place, text in enumerate(task.steps, start=1))
    if task.acceptance:
        yield "**Acceptance Criteria:**\n" + "".join(f"- [ ] {text}\n" for text in task.acceptance)
    if shape.decoys:
        yield DECOY


def listed(task: PlanTask, shape: Shape) -> Iterator[str]:
    title = f"{task.label} {task.title}" if shape.tasks == "numbered items" else f"**Task {task.label}**: {task.title}"
    lines = [f"- [ ] {title}"]
    if task.estimated_duration:
        lines.append(f"  - **Estimated Time:** {task.estimated_duration}")
    if task.dependencies:
        lines.append(f"  - **Dependencies:** {task.dependencies}")
    if task.steps:
        lines += ["  - **Steps:**", *(f"    {place}. {text}" for place, text in enumerate(task.steps, start=1))]
    if task.acceptance:
        lines += ["  - **Acceptance Criteria:**", *(f"    - [ ] {text}" for text in task.acceptance)]
    yield "\n".join(lines) + "\n"


def numbered(phases: list[PlanPhase], numbers: list[int], shape: Shape) -> list[PlanPhase]:
    """The phases with their own numbers, and their tasks labelled as the shape does it."""
    found: list[PlanPhase] = []
    count = 0
    for phase, number in zip(phases, numbers, strict=True):
        tasks: list[PlanTask] = []
        for place, task in enumerate(phase.tasks, start=1):
            count += 1
            many = shape.tasks == "numbered items"
            own, label = (count, f"T{count:03}") if many else (place, f"{number}.{place}")
            tasks.append(replace(task, number=own, label=label))
        found.append(replace(phase, number=number, tasks=tuple(tasks)))
    return found


def without_bodies(phase: PlanPhase) -> PlanPhase:
    tasks = tuple(replace(task, body="", description="") for task in phase.tasks)
    return replace(phase, body="", tasks=tasks)


@pytest.mark.requirement(
    "format:plan-headings",
    "format:plan-decoys",
    "format:plan-tasks",
    "format:plan-phase-fields",
    "format:plan-task-fields",
    "format:plan-gate",
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shape=SHAPES, numbers=NUMBERS, data=st.data())
def test_a_plan_is_read_as_what_it_was_written_from(shape: Shape, numbers: list[int], data: st.DataObject) -> None:
    drawn = data.draw(st.lists(PHASES, min_size=len(numbers), max_size=len(numbers)))
    phases = numbered(drawn, numbers, shape)
    text = written(phases, shape)
    plan, problems = read_tasks_md(text, "tasks.md")
    assert problems == (), text
    assert plan is not None
    assert [without_bodies(phase) for phase in plan.phases] == [without_bodies(phase) for phase in phases], text


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("# A", "## Phase 1: A", "### Phase 1: A", "## Phase 2", "### Phase 1 Tasks", "## Phase 1 → Phase 2"),
                *(
                    "### Task 1.1: B",
                    "#### Task 1.2",
                    "- [ ] **Task 1.1**: C",
                    "- [ ] T001 D",
                    "  - Steps:",
                    "    1. E",
                ),
                *("**Validation Gate:**", "## Validation Gates", "- [ ] F", "- G", "  - H", "```", "> ## Phase 3: I"),
                *("**Checkpoint**: J", "**Objective:** K", "---", "", "text", "| a |", "\t- [ ]", "- [ ]", "# Phase 1"),
            ]
        ),
        max_size=25,
    ).map("\n".join)
)
def test_any_text_is_read_or_its_problems_are_named(text: str) -> None:
    plan, problems = read_tasks_md(text, "tasks.md")
    assert plan is not None or any(problem.severity == "error" for problem in problems)
    for phase in plan.phases if plan else ():
        assert all(task.body for task in phase.tasks)
        assert len({task.number for task in phase.tasks}) == len(phase.tasks) or problems
