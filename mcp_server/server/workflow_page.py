"""A workflow on one page, as Markdown: what it is for, its phases, and what each gate asks for.

It says what a person wants to know before they start it. Instructions and tasks come with the phase that they are of,
and the value that opens a gate is never told.
"""

from __future__ import annotations

from collections.abc import Iterator

from mcp_server.actions.paging import clipped, first
from mcp_server.definitions.library import Found
from mcp_server.domain.definition import Field, Gate, Phase, Workflow
from mcp_server.report.harmless import code, prose
from mcp_server.report.wording import many

PAGE_BYTES = 76_000
PART_BYTES = 16_000
"""What one phase may take, or one of the other parts."""


def page(found: Found) -> str:
    """The whole page; of very many phases as many as fit."""
    parts = (clipped(part, PART_BYTES) for part in _parts(found))
    return "\n\n".join(first(list(parts), PAGE_BYTES)) + "\n"


def _parts(found: Found) -> Iterator[str]:
    workflow = found.workflow
    yield f"# {prose(workflow.name)}"
    phases = many(len(workflow.phases), "phase") + (" and the plan's" if workflow.plan else "")
    facts = [f"{code(workflow.workflow_type)} {prose(workflow.version)} ({found.source})", phases]
    if workflow.estimated_duration:
        facts.append(prose(workflow.estimated_duration))
    yield ", ".join(facts) + "."
    if workflow.description:
        yield prose(workflow.description)
    options = list(_options(workflow))
    if options:
        yield "## Options of the start\n\n" + "\n".join(options)
    for phase in workflow.phases:
        yield "\n\n".join(_phase(phase))


def _options(workflow: Workflow) -> Iterator[str]:
    if workflow.plan is not None:
        yield f"- {code(workflow.plan.option)}: the path of the plan, whose phases are added to those below; required"
    for option in workflow.options:
        yield f"- {code(option.name)}: {prose(option.wanted)}"


def _phase(phase: Phase) -> Iterator[str]:
    yield f"## Phase {phase.number}: {prose(phase.title)}"
    if phase.description:
        yield prose(phase.description)
    if phase.skippable and phase.skip_condition:
        yield f"Skipped where {code(phase.skip_condition)}."
    if phase.tasks:
        yield "\n".join(f"- Task {task.number}: {prose(task.title)}" for task in phase.tasks)
    yield "The gate asks for:\n\n" + "\n".join(_gate(phase.gate))


def _gate(gate: Gate) -> Iterator[str]:
    if gate.unsupported:
        yield f"- what this version cannot do, so it stays blocked: {prose(', '.join(gate.unsupported))}"
    for field in gate.fields:
        if field.from_check is None:
            yield _evidence(field)
    for check in gate.checks:
        yield f"- {code(check.id)}, checked by the server" + _told(check.description)
    if gate.protected_paths:
        yield f"- these files as they were: {', '.join(map(code, gate.protected_paths))}"
    if gate.approval is not None:
        yield f"- a person's approval: {prose(gate.approval.question)}"


def _evidence(field: Field) -> str:
    kind = "" if field.type == "any" else f", {field.type}"
    return f"- evidence {code(field.name)}{kind}{'' if field.required else ', optional'}{_told(field.description)}"


def _told(description: str) -> str:
    return f": {prose(description)}" if description else ""
