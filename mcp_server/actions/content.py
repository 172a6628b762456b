"""What an assistant reads of a phase: its instructions, its tasks and what its gate asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import JsonValue

from mcp_server.actions.action import Part
from mcp_server.actions.paging import Pager, clipped, first, size
from mcp_server.domain import budgeting
from mcp_server.domain.definition import Gate, Phase, Workflow
from mcp_server.domain.gates import evidence_schema, required_names
from mcp_server.domain.session import Session
from mcp_server.engine import Engine, require_phase

TITLE_BYTES = 1_000
DESCRIPTION_BYTES = 4_000
FIELD_BYTES = 16_000
"""What the schema of one piece of evidence may take; a larger one is shown by its type and description."""
WARNINGS_BYTES = 4_000
NAMES_BYTES = 8_000
"""What the names of one earlier phase's artifacts may take; beyond it ``get_session`` has them all."""


_Properties = dict[str, dict[str, JsonValue]]


class TaskTitle(Part):
    """A task as the phase lists it; ``get_task`` gives the rest."""

    task_number: int
    title: str


class CheckTitle(Part):
    """A check that the server runs at the gate."""

    id: str
    description: str


class Checkpoint(Part):
    """What has to be shown to leave the phase."""

    required_evidence: list[str]
    evidence_schema: dict[str, JsonValue]
    checks: list[CheckTitle]
    approval: bool


class PlanPhase(Part):
    """What the plan that a phase came from calls it."""

    number: int
    title: str


class PhaseContent(Part):
    """One phase, as far as it fits; task bodies come one at a time.

    ``skip_condition`` is what the definition says of skipping it: an expression that did not hold, or a note.
    """

    phase_number: int
    title: str
    plan_phase: PlanPhase | None = None
    skip_condition: str | None = None
    description: str
    instructions: str
    tasks: list[TaskTitle]
    checkpoint: Checkpoint
    estimated_duration: str | None = None
    artifacts_from_previous_phases: dict[str, list[str]]


def page_of_phase(engine: Engine, session: Session, workflow: Workflow, pager: Pager) -> PhaseContent:
    """The current phase of a session, from where the pager stands."""
    phase = require_phase(workflow, session.current_phase)
    return PhaseContent(
        phase_number=phase.number,
        title=clipped(phase.title, TITLE_BYTES),
        plan_phase=_plan_phase(phase),
        skip_condition=clipped(phase.skip_condition, TITLE_BYTES) or None,
        description=pager.text(phase.description),
        instructions=pager.text(phase.instructions),
        tasks=[
            TaskTitle.model_validate(task)
            for task in pager.items(
                {"task_number": task.number, "title": clipped(task.title, TITLE_BYTES)} for task in phase.tasks
            )
        ],
        checkpoint=_checkpoint(phase.gate, pager, budgeting.unreported(session, workflow, frozenset())),
        estimated_duration=clipped(phase.estimated_duration, TITLE_BYTES) if phase.estimated_duration else None,
        artifacts_from_previous_phases=_artifact_names(engine, session, phase, pager),
    )


def _plan_phase(phase: Phase) -> PlanPhase | None:
    origin = phase.plan_phase
    return PlanPhase(number=origin.number, title=clipped(origin.title, TITLE_BYTES)) if origin else None


def first_page(engine: Engine, session: Session, workflow: Workflow) -> tuple[PhaseContent, str | None]:
    """The current phase in a reply that changes something, and the cursor with which ``get_phase`` goes on."""
    pager = phase_pager(session)
    return page_of_phase(engine, session, workflow, pager), pager.next_cursor


def phase_pager(session: Session, cursor: str | None = None) -> Pager:
    """The pages of a session's current phase."""
    return Pager(f"phase {session.session_id} {session.current_phase}", cursor)


def warnings_of(texts: Sequence[str]) -> list[str] | None:
    """Warnings in a reply that has other things to say: as many as take ``WARNINGS_BYTES``, and how many more."""
    return first([clipped(text, TITLE_BYTES) for text in texts], WARNINGS_BYTES) or None


def properties_of(gate: Gate, names: set[str]) -> _Properties:
    """The schemas of the pieces of evidence in ``names``."""
    properties = cast("_Properties", evidence_schema(gate)["properties"])
    return {name: _shown(part) for name, part in properties.items() if name in names}


def _checkpoint(gate: Gate, pager: Pager, metered: tuple[str, ...]) -> Checkpoint:
    """What a gate asks for; ``metered`` is what of ``usage`` a strict budget wants reported with it."""
    schema = evidence_schema(gate)
    asked = cast("_Properties", schema.get("properties", {}))
    names = required_names(gate)
    if metered:
        asked, names = {**asked, "usage": _usage(metered)}, (*names, "usage")
        schema["required"] = list(names)
    required = pager.items(names)
    properties = dict(pager.items((name, _shown(part)) for name, part in asked.items()))
    checks = pager.items(
        {"id": clipped(check.id, TITLE_BYTES), "description": clipped(check.description, DESCRIPTION_BYTES)}
        for check in gate.checks
    )
    return Checkpoint(
        required_evidence=required,
        evidence_schema=_schema(schema, properties),
        checks=[CheckTitle.model_validate(check) for check in checks],
        approval=gate.approval is not None,
    )


def _usage(metered: tuple[str, ...]) -> dict[str, JsonValue]:
    """The reserved name that a budget is reported under, as a part of the evidence's schema."""
    kinds: dict[str, JsonValue] = {
        "tokens": {"type": "integer", "minimum": 0},
        "cost_usd": {"type": "number", "minimum": 0},
    }
    return {
        "type": "object",
        "properties": kinds,
        "required": list(metered),
        "description": "What was used since the last report; it is added up, and the session's budget is strict.",
    }


def _shown(part: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The schema of one piece of evidence, bounded."""
    description = clipped(str(part.get("description", "")), DESCRIPTION_BYTES)
    shown = {**part, "description": description} if description else part
    if size(shown) > FIELD_BYTES:
        shown = {name: shown[name] for name in ("type", "description") if name in shown}
    return shown


def _schema(whole: Mapping[str, Any], properties: dict[str, Any]) -> dict[str, JsonValue]:
    required = [name for name in whole.get("required", []) if name in properties]
    return {**whole, "properties": properties, "required": required}


def _artifact_names(engine: Engine, session: Session, phase: Phase, pager: Pager) -> dict[str, list[str]]:
    """The names of accepted evidence by phase."""

    def named() -> Iterator[tuple[str, list[str]]]:
        for number, evidence in sorted(session.artifacts.items()):
            if number < phase.number:
                yield f"phase_{number}", first(list(engine.evidence(evidence)), NAMES_BYTES)

    return dict(pager.items(named()))
