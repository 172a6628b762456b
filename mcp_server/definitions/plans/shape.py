"""What a template may speak of: the names under which a phase and a task of a plan are known to it."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_server.definitions.plans.model import PlanPhase, PlanTask
from mcp_server.definitions.plans.templates import Scope, Template, Value, key_of

_LOOP = {"this", ".", "@index", "@first", "@last"}


def phase_values(phase: PlanPhase, number: int, place: int, total: int, following: int | None) -> dict[str, Value]:
    """A phase by the names that templates have for it; ``place`` counts the plan's phases from 1."""
    return {
        "phase_number": number,
        "plan_phase_number": phase.number,
        "phase_content": phase.body,
        "tasks": [task_values(task) for task in phase.tasks],
        "task_count": len(phase.tasks),
        "task_list": "\n".join(f"- Task {task.number}: {task.title}" for task in phase.tasks),
        "gate_items": list(phase.gate_items),
        "evidence_required": _fenced(phase.evidence),
        "next_phase_number": "" if following is None else following,
        "iteration_number": place,
        "total_iterations": total,
        **_under(phase.title, "phase_name", "phase_title", "name"),
        **_under(phase.objective, "phase_description", "phase_objective", "phase_purpose", "phase_goal", "objective"),
        **_under(phase.estimated_duration, "estimated_duration", "phase_duration"),
        **_under(phase.dependencies, "dependencies", "phase_dependencies"),
        **_under(list(phase.deliverables), "deliverables", "phase_deliverables"),
        **_under(", ".join(phase.deliverables), "deliverable", "phase_deliverable"),
        **_under([task_values(task) for task in phase.tasks], "phase_tasks"),
        **_under(len(phase.tasks), "total_tasks"),
        **_under(_checklist(phase), "validation_gate", "phase_validation_gate", "gate"),
    }


def task_values(task: PlanTask) -> dict[str, Value]:
    """A task by the names that templates have for it."""
    return {
        "task_number": task.number,
        "task_content": task.body,
        **_under(task.label, "task_id", "task_label"),
        **_under(task.title, "task_name", "task_title", "name", "title"),
        **_under(task.description, "task_description", "task_purpose", "task_objective", "description", "purpose"),
        **_under(task.estimated_duration, "estimated_time", "task_duration", "estimated_duration"),
        **_under(task.dependencies or "None", "dependencies", "task_dependencies"),
        **_under(list(task.steps), "steps", "task_steps", "execution_steps"),
        **_under("\n".join(f"{place}. {step}" for place, step in enumerate(task.steps, start=1)), "step_list"),
        **_under(list(task.deliverables), "deliverables", "task_deliverables"),
        **_under("\n".join(f"- [ ] {text}" for text in task.acceptance), "acceptance_criteria"),
        **_under(list(task.acceptance), "criteria"),
    }


def unknown_names(template: Template, *, task: bool) -> Iterator[tuple[str, int]]:
    """The names in a template that stand for nothing, with their lines."""
    known = {*_LOOP, *_PHASE_NAMES, *_TASK_NAMES, *(("next_task_number",) if task else ())}
    return ((name, line) for name, line in template.names() if key_of(name) not in known)


def values_of_task(task: PlanTask, around: Scope, following: int | None) -> dict[str, Value]:
    """A task and the phase around it."""
    return {**around, **task_values(task), "next_task_number": "" if following is None else following}


def _under(value: Value, *names: str) -> dict[str, Value]:
    return dict.fromkeys(names, value)


def _checklist(phase: PlanPhase) -> str:
    items = phase.gate_items
    if not items and phase.gate is not None:
        items = tuple(f"{field.name}: {field.description}".rstrip(": ") for field in phase.gate.fields)
    return "\n".join(f"- [ ] {item}" for item in items)


def _fenced(commands: tuple[str, ...]) -> str:
    return "\n\n".join(f"```\n{command}\n```" for command in commands)


_PHASE_NAMES = frozenset(phase_values(PlanPhase(0, ""), 0, 1, 1, None))
_TASK_NAMES = frozenset(task_values(PlanTask(0, "", "")))
