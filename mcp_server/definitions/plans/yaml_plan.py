"""``workflow_definition_parser``: a plan in YAML, with its gates stated as fields of evidence."""

from __future__ import annotations

from mcp_server.definitions.documents import DocumentError, read_yaml
from mcp_server.definitions.gate_files import read_fields
from mcp_server.definitions.nodes import Node, Report
from mcp_server.definitions.plans.model import Plan, PlanPhase, PlanTask
from mcp_server.definitions.problems import Problem
from mcp_server.domain.checks import Approval
from mcp_server.domain.definition import Field, Gate
from mcp_server.domain.gates import defects

NO_PHASE = "has no phase: looked for a list 'phases' of {number, name, purpose, deliverable, tasks, validation_gate}"


def read_yaml_plan(text: str, name: str) -> tuple[Plan | None, tuple[Problem, ...]]:
    """The plan that a YAML file states, and what is wrong with it; with an error there may be no plan."""
    report = Report(name)
    try:
        report.document = read_yaml(text)
    except DocumentError as error:
        report.add_at("error", error.line, str(error), "Mend the YAML.")
        return None, tuple(report.problems)
    entries = Node(report.document.data, (), report).child("phases").entries()
    if not entries and not report.problems:
        report.add_at("error", None, NO_PHASE, "Write the plan so, or name another file.")
    phases = tuple(_phase(entry, place) for place, entry in enumerate(entries, start=1))
    seen: set[int] = set()
    for entry, phase in zip(entries, phases, strict=True):
        if phase.number in seen:
            entry.error(f"the phase {phase.number} is there twice", "Give each phase its own number.")
        seen.add(phase.number)
    return Plan(phases) if phases else None, tuple(report.problems)


def _phase(entry: Node, place: int) -> PlanPhase:
    entry.members()
    number = entry.first("number", "phase_number").integer(place)
    return PlanPhase(
        number=number,
        title=entry.first("name", "phase_name", "title").text() or f"Phase {number}",
        objective=entry.first("purpose", "objective", "description").text(),
        estimated_duration=entry.first("estimated_duration", "estimated_effort").text(),
        dependencies=", ".join(entry.child("dependencies").texts()),
        deliverables=entry.first("deliverables", "deliverable").texts(),
        acceptance=entry.first("validation_criteria", "acceptance_criteria").texts(),
        tasks=_tasks(entry.child("tasks")),
        gate=_gate(entry.child("validation_gate")),
        line=entry.line,
    )


def _tasks(node: Node) -> tuple[PlanTask, ...]:
    found: dict[int, PlanTask] = {}
    for place, entry in enumerate(node.entries(), start=1):
        named = isinstance(entry.data, str)
        number = place if named else entry.first("number", "task_number").integer(place)
        if number in found:
            entry.error(f"the task {number} is there twice", "Give each task of a phase its own number.")
        title = entry.text() if named else entry.first("name", "title", "task_name").text()
        found[number] = (
            PlanTask(number, str(number), title or f"Task {number}", line=entry.line)
            if named
            else _task(entry, number, title)
        )
    return tuple(found[number] for number in sorted(found))


def _task(entry: Node, number: int, title: str) -> PlanTask:
    entry.members()
    return PlanTask(
        number=number,
        label=str(number),
        title=title or f"Task {number}",
        description=entry.first("purpose", "description", "objective").text(),
        estimated_duration=entry.first("estimated_time", "estimated_duration").text(),
        dependencies=", ".join(entry.child("dependencies").texts()),
        steps=entry.first("steps", "steps_outline", "execution_steps").texts(),
        acceptance=entry.first("acceptance_criteria", "validation_criteria").texts(),
        deliverables=entry.first("deliverables", "outputs", "artifacts").texts(),
        line=entry.line,
    )


def _gate(node: Node) -> Gate | None:
    wanted = node.child("evidence_required")
    human = node.child("human_approval_required").boolean(default=False)
    if wanted.data is None and not human:
        node.members()
        return None
    unsupported: list[str] = []
    if isinstance(wanted.data, dict):
        told = {name: member for name, member in wanted.members().items() if isinstance(member.data, str)}
        fields = tuple(Field(name=name, description=member.text()) for name, member in told.items())
        fields += read_fields(((n, m) for n, m in wanted.members().items() if n not in told), unsupported)
    else:
        fields = tuple(Field(name=name) for name in wanted.texts())
    if not fields and not human:
        return None
    gate = Gate(
        fields=fields,
        approval=Approval() if human else None,
        unsupported=tuple(unsupported),
        origin="required_evidence",
    )
    for defect in defects(gate):
        wanted.error(defect.problem, "See the validators that a gate may use.")
    return gate
