"""Plans that cannot be worked off, through the tool: each is refused or read within bounds, and no session is left."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.definitions.conftest import Write
from tests.definitions.seen import begun, pages, phase
from tests.support import Ask, Body, Home
from tests.wire import Wire

pytestmark = pytest.mark.integration

SECONDS = 20
"""Processor time of a server: generous, and nothing to what grows with a square or without end."""
MARKDOWN = {"source_path_key": "plan", "parser": "spec_tasks_parser"}
YAML = {"source_path_key": "plan", "parser": "workflow_definition_parser"}
TASK = "### Task 1.1: B\n\n"


@pytest.fixture
def dynamic(define: Write) -> None:
    """``walk_v1`` takes a plan in Markdown, ``typed_v1`` one in YAML."""
    phases = [{"phase_number": "1-N", "phase_name": "The plan's"}]
    define("walk_v1", dynamic_phases=True, dynamic_config=MARKDOWN, phases=phases)
    define("typed_v1", dynamic_phases=True, dynamic_config=YAML, phases=phases)


@pytest.fixture
def bounded(home: Home, dynamic: None) -> Iterator[Wire]:
    """A server that may use so much of the processor and no more."""
    with Wire(home) as wire:
        resource.prlimit(wire.process.pid, resource.RLIMIT_CPU, (SECONDS, SECONDS))
        yield wire


def started(ask: Any, workflow: str, plan: str) -> Body:
    reply: Body = ask(action="start", workflow_type=workflow, target_file="a", options={"plan": plan})
    return reply


BAD: dict[str, tuple[str, str, str]] = {
    "no phase": ("walk_v1", "# Thoughts\n\nPhase 1 will be hard.\n", "has no phase: looked for headings such as"),
    "nothing": ("walk_v1", "", "has no phase"),
    "phases without tasks": ("walk_v1", "## Phase 1: A\n\nText.\n", "has no phase"),
    "a phase twice": (
        "walk_v1",
        f"## Phase 1: A\n\n{TASK}## Phase 1: C\n\n### Task 1.2: D\n",
        "plan:5: the phase 1 is there twice, on the lines 1 and 5",
    ),
    "a task twice": (
        "walk_v1",
        f"## Phase 1: A\n\n{TASK}{TASK}",
        "plan:1: the task 1.1 is there twice, on the lines 3 and 5",
    ),
    "too many tasks": ("walk_v1", "## Phase 1: A\n" + "- [ ] T1 x\n" * 2_001, "has more than 2000 tasks"),
    "too many lines": ("walk_v1", "\n" * 60_000, "has more than 60000 lines"),
    "no list of phases": ("typed_v1", "other: 1\n", "has no phase: looked for a list 'phases'"),
    "a phase twice in yaml": (
        "typed_v1",
        "phases:\n- {number: 1}\n- {number: 1}\n",
        "plan:3: the phase 1 is there twice",
    ),
    "an alias": ("typed_v1", "a: &a [1]\nphases: *a\n", "plan:2: uses an alias"),
    "depth": ("typed_v1", "[" * 200_000, "plan:1: is nested more than 60 levels deep"),
    "broken yaml": ("typed_v1", "phases: [\n", "plan:2: is not valid YAML"),
}


@pytest.mark.requirement("format:bad-plans", "format:no-phase-no-session", "format:bad-documents")
@pytest.mark.parametrize("name", BAD)
def test_a_plan_that_cannot_be_worked_off_is_refused_with_what_is_wrong(
    home: Home, ask: Ask, dynamic: None, name: str
) -> None:
    workflow, text, problem = BAD[name]
    home.write({"plan": text, "good.md": f"## Phase 1: A\n\n{TASK}"})
    reply = started(ask, workflow, "plan")
    assert reply["error_type"] == "ValueError"
    assert problem in reply["error"]
    assert len(json.dumps(reply)) < 4_000
    assert ask(action="list_sessions")["total"] == 0
    assert begun(ask, "walk_v1", plan="good.md")["total_phases"] == 1


@pytest.mark.requirement("format:bad-plans", "format:bounded")
def test_a_plan_of_a_thousand_tasks_is_served_whole(bounded: Wire, home: Home) -> None:
    tasks = "".join(f"### Task 1.{n}: Do {n}\n\n{'Text. ' * 20}\n\n" for n in range(1, 1_001))
    home.write({"plan": f"## Phase 1: A\n\n{tasks}"})
    session_id = started(bounded.call, "walk_v1", "plan")["session_id"]
    listed = [
        task["task_number"]
        for page in pages(bounded.call, action="get_phase", session_id=session_id)
        for task in page["phase_content"]["tasks"]
    ]
    assert listed == list(range(1, 1_001))
    last = bounded.call(action="get_task", session_id=session_id, phase=1, task_number=1_000)
    assert last["task_content"]["title"] == "Do 1000"
    assert "next_task" not in last


BLANK = " " * 100_000
HOSTILE: dict[str, str] = {
    "blanks in a phase of several lines": f"## Phase 1: A\n\n{TASK}Phase 2{BLANK}\nfoo\nbar\n---\n",
    "blanks in a task of several lines": f"## Phase 1: A\n\n{TASK}Task 2{BLANK}\nfoo\nbar\n---\n",
    "signs before the end of a title": f"## Phase 1: A\n\n{TASK}## b {'* ' * 100_000}x\n",
    "blanks in a label": f"## Phase 1: A\n\n{TASK}**a{BLANK}:{BLANK}**{BLANK}x\n",
    "blanks in an item": f"## Phase 1: A\n\n{TASK}- [ ] Task{BLANK}2{BLANK}x\n",
    "parentheses": f"## Phase 1: A {'(1 ' * 50_000}\n\n{TASK}",
}


@pytest.mark.requirement("format:bounded", "format:bad-plans")
def test_plans_on_which_a_careless_pattern_never_ends_are_answered(bounded: Wire, home: Home) -> None:
    for name, text in HOSTILE.items():
        home.write({"plan": text})
        reply = started(bounded.call, "walk_v1", "plan")
        assert reply["status"] == "success" or "plan" in reply["error"], name


TEMPLATES: dict[str, str] = {
    "remarks without an end": "{{!--" * 50_000,
    "tags without an end": f"{{{{{BLANK}{{",
    "blocks in one line": "{{#if tasks}}{{/if}}" * 20_000,
    "loops that write nothing": "{{#each tasks}}" * 10 + "{{/each}}" * 10,
    "blocks that write nothing": f"{'{{#each tasks}}' * 2}{'{{#if none}}{{/if}}' * 5_000}{'{{/each}}' * 2}",
    "more than fits": "{{phase_content}}" * 50_000,
}


@pytest.mark.requirement("format:bounded", "format:templates")
def test_templates_that_grow_or_never_end_are_refused_or_served(bounded: Wire, home: Home) -> None:
    tasks = "".join(f"### Task 1.{n}: Do {n}\n\nText.\n\n" for n in range(1, 101))
    home.write({"plan": f"## Phase 1: A\n\n{'Words. ' * 100}\n\n{tasks}"})
    for name, text in TEMPLATES.items():
        home.write({".praxis-os/workflows/walk_v1/phases/dynamic/phase-template.md": text})
        reply = started(bounded.call, "walk_v1", "plan")
        assert reply["status"] == "success" or "template" in reply["error"], (name, reply)


@pytest.mark.requirement("format:bounded", "format:templates")
def test_a_long_template_for_very_many_tasks_is_refused(bounded: Wire, home: Home) -> None:
    tasks = "".join(f"- [ ] T{n} x\n" for n in range(1, 2_001))
    home.write(
        {
            "plan": f"## Phase 1: A\n\n{tasks}",
            ".praxis-os/workflows/walk_v1/phases/dynamic/task-template.md": "0123456789" * 90_000,
        }
    )
    reply = started(bounded.call, "walk_v1", "plan")
    assert reply["error_type"] == "ValueError"
    assert "makes more than 16777216 characters" in reply["error"]


@pytest.mark.requirement("format:templates", "format:unknown-placeholders", "format:dynamic-config")
@pytest.mark.parametrize("where", ["dynamic/{}", "phases/dynamic/{}"])
@pytest.mark.parametrize(
    ("of_phase", "of_task"),
    [
        ("# [PHASE_NUMBER] [PHASE_NAME][NO_SUCH]!\n", "# [TASK_ID] [TASK_NAME][NO_SUCH]!\n"),
        (
            "# {{phase_number}} {{phase_name}}{{no_such}}!\n",
            "# {{task_id}} {{#if task_name}}{{task_name}}{{else}}none{{/if}}{{#each no_such}}x{{/each}}!\n",
        ),
    ],
)
def test_templates_of_both_dialects_and_both_forms_of_path_are_what_is_seen(
    home: Home, ask: Ask, define: Write, of_phase: str, of_task: str, where: str
) -> None:
    templates = {"phase": where.format("p.md"), "task": where.format("t.md")}
    files: dict[str, str | bytes] = {"phases/dynamic/p.md": of_phase, "phases/dynamic/t.md": of_task}
    define(
        "shaped_v1",
        files,
        dynamic_phases=True,
        dynamic_config={**MARKDOWN, "templates": templates},
        phases=[{"phase_number": 0, "phase_name": "Read", "checkpoint": {"required_evidence": ["read"]}}],
    )
    home.write({"plan.md": "## Phase 1: Build\n\n### Task 1.2: Lay bricks\n\n**Gate:**\n- [ ] It stands\n"})
    session_id = begun(ask, "shaped_v1", plan="plan.md")["session_id"]
    ask(action="complete_phase", session_id=session_id, phase=0, evidence={"read": "all"})
    seen = phase(ask, session_id)
    assert (seen.number, seen.title, seen.instructions) == (1, "Build", "# 1 Build!\n")
    assert seen.required == ["it_stands"]
    assert [(number, task.title, task.instructions) for number, task in seen.tasks.items()] == [
        (2, "Lay bricks", "# 1.2 Lay bricks!\n")
    ]
    assert (Path(home.definitions) / "shaped_v1").is_dir()
