"""From a plan to phases of a workflow: numbers, gates, and the templates that give them their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_server.definitions.markdown import read_markdown, unix_lines
from mcp_server.definitions.nodes import Node
from mcp_server.definitions.plain_gates import gate_of_criteria
from mcp_server.definitions.plans.model import MAX_ITEMS, MAX_PHASES, MAX_TASKS, Plan, PlanPhase, PlanTask
from mcp_server.definitions.plans.shape import phase_values, unknown_names, values_of_task
from mcp_server.definitions.plans.templates import Room, Scope, Template, TemplateError
from mcp_server.definitions.problems import Problem
from mcp_server.definitions.task_files import find_file
from mcp_server.domain.definition import Gate, Phase, Step, Task
from mcp_server.domain.definition import PlanPhase as Origin

MAX_RENDERED = 16 * 1024 * 1024
"""Characters that the templates may make of all phases and tasks of a plan."""


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of a dynamic workflow; without one, the plan's own words are served."""

    phase: Template | None
    task: Template | None


def read_templates(config: Node, files: Mapping[str, bytes], problems: list[Problem]) -> Templates:
    """The templates that ``dynamic_config`` names, in either form of their paths."""
    node = config.child("templates")
    node.members()
    phase = _template(node.child("phase"), "phases/dynamic/phase-template.md", files, problems)
    task = _template(node.child("task"), "phases/dynamic/task-template.md", files, problems)
    return Templates(phase, task)


def _template(node: Node, usual: str, files: Mapping[str, bytes], problems: list[Problem]) -> Template | None:
    named = node.text()
    path = find_file(files, "phases/dynamic", named) if named else (usual if usual in files else None)
    if path is None:
        if named:
            node.warning(f"the template {named} is not there, so the plan's own words are served", "Write the file.")
        return None
    text, whole = unix_lines(read_markdown(files[path]).body), unix_lines(files[path].decode(errors="replace"))
    above = whole.count("\n") - text.count("\n")
    try:
        template = Template(text)
    except TemplateError as error:
        problems.append(Problem("error", path, error.line + above, str(error), "Mend the template."))
        return None
    for name, line in unknown_names(template, task=node.path[-1] == "task"):
        hint = "See the names that a template may use; this one stays empty."
        why = "Whoever reads the phase finds a gap there."
        problems.append(Problem("warning", path, line + above, f"'{name}' stands for nothing in a plan", hint, why))
    return template


def plan_too_large(plan: Plan, name: str) -> Problem | None:
    """What is too much in a plan, if anything is."""
    counts = {
        f"{MAX_PHASES} phases": len(plan.phases) > MAX_PHASES,
        f"{MAX_TASKS} tasks": sum(len(phase.tasks) for phase in plan.phases) > MAX_TASKS,
        f"{MAX_ITEMS} items in one gate": any(len(_criteria(phase)) > MAX_ITEMS for phase in plan.phases),
    }
    much = [limit for limit, exceeded in counts.items() if exceeded]
    return Problem("error", name, None, f"has more than {' and '.join(much)}", "Split the plan.") if much else None


def number_phases(plan: Plan, last_fixed: int | None) -> list[int]:
    """The numbers of the plan's phases: their own, moved as far as it takes to follow the fixed ones and each other."""
    numbers: list[int] = []
    before = -1 if last_fixed is None else last_fixed
    moved = max(0, before + 1 - plan.phases[0].number)
    for phase in plan.phases:
        before = max(phase.number + moved, before + 1)
        numbers.append(before)
    return numbers


def phases_of_plan(
    plan: Plan, last_fixed: int | None, templates: Templates, file: str, problems: list[Problem]
) -> tuple[Phase, ...]:
    """The phases of a plan, ready to be walked."""
    numbers = number_phases(plan, last_fixed)
    found: list[Phase] = []
    room = Room(MAX_RENDERED)
    try:
        for place, (phase, number) in enumerate(zip(plan.phases, numbers, strict=True)):
            following = numbers[place + 1] if place + 1 < len(numbers) else None
            values = phase_values(phase, number, place + 1, len(numbers), following)
            found.append(_phase(phase, number, values, templates, room))
    except TemplateError as error:
        problems.append(Problem("error", file, None, f"does not fit the template, which {error}", "Mend the template."))
    return tuple(found)


def _phase(phase: PlanPhase, number: int, values: Scope, templates: Templates, room: Room) -> Phase:
    body = phase.body or _written(phase)
    following = [*(task.number for task in phase.tasks[1:]), None]
    return Phase(
        number=number,
        title=phase.title,
        description=phase.objective,
        instructions=templates.phase.render(values, room) if templates.phase else body,
        tasks=tuple(
            _task(task, templates.task, values_of_task(task, values, after), room)
            for task, after in zip(phase.tasks, following, strict=False)
        ),
        gate=_gate(phase),
        estimated_duration=phase.estimated_duration or None,
        plan_phase=Origin(number=phase.number, title=phase.title),
    )


def _task(task: PlanTask, template: Template | None, values: Scope, room: Room) -> Task:
    return Task(
        number=task.number,
        title=task.title,
        purpose=task.description or task.title,
        body=template.render(values, room) if template else task.body or f"# {task.title}\n\n{task.description}\n",
        front_matter={"produces": list(task.deliverables)} if task.deliverables else {},
        estimated_duration=task.estimated_duration or None,
        steps=tuple(Step(step=place, title=text) for place, text in enumerate(task.steps, start=1)),
    )


def _written(phase: PlanPhase) -> str:
    parts = [f"# {phase.title}", phase.objective, *(f"- {text}" for text in phase.deliverables)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _gate(phase: PlanPhase) -> Gate:
    return phase.gate or gate_of_criteria(_criteria(phase))


def _criteria(phase: PlanPhase) -> tuple[str, ...]:
    """What a phase's gate asks for: its checklist, else the acceptance of the phase, else that of its tasks."""
    stated = phase.gate_items or phase.acceptance
    return stated or tuple(dict.fromkeys(text for task in phase.tasks for text in task.acceptance))
