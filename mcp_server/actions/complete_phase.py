"""``complete_phase``: show the evidence and leave the phase through its gate."""

from __future__ import annotations

from typing import Any

from mcp_server.actions import attempts
from mcp_server.actions.action import Action, Answer, Part, Reply, SessionMutation
from mcp_server.actions.content import PhaseContent, first_page, schema_of, warnings_of
from mcp_server.actions.fields import EvidenceObject, PhaseNumber, SessionId
from mcp_server.actions.paging import Pager, clipped, size
from mcp_server.actions.skipped import SkippedPhase, skipped_phases
from mcp_server.domain.events import GateBlocked, PhaseCompleted, WorkflowCompleted
from mcp_server.engine import Engine, Outcome, Refusal, require_phase
from mcp_server.errors import GateError

ACCEPTED_BYTES = 8_000
"""What the list of accepted evidence may take; ``get_session`` has it all."""
SCHEMA_BYTES = 16_000
ADVICE_BYTES = 4_000


class CompletePhase(SessionMutation):
    """Submit the evidence of the current phase; its gate lets the session go on or says all that is wrong.

    All the evidence is submitted at once, in every attempt. A refusal is recorded and counts against the attempts.
    """

    session_id: SessionId
    phase: PhaseNumber
    evidence: EvidenceObject


class AcceptedEvidence(Part):
    """A piece of evidence and why it is believed: ``attested`` means that the assistant said so."""

    name: str
    basis: str


class PhasePassed(Reply):
    """The gate is open: the next phase in full, or the end of the workflow; ``skipped_phases`` lie between."""

    checkpoint_passed: bool
    phase_completed: int
    evidence_accepted: list[AcceptedEvidence]
    checks: list[dict[str, Any]]
    skipped_phases: list[SkippedPhase] | None = None
    next_phase: PhaseContent | None = None
    workflow_completed: bool | None = None


def run(engine: Engine, params: CompletePhase) -> Answer:
    """Judge, and answer with the next phase or raise GateError with every finding."""
    outcome = engine.complete_phase(params.session_id, params.phase, params.evidence, params.call())
    event = outcome.committed.event
    if isinstance(event, PhaseCompleted | WorkflowCompleted):
        return _passed(engine, outcome, event)
    assert isinstance(event, Refusal)  # noqa: S101 - what complete_phase commits
    raise _refused(outcome, event)


def _passed(engine: Engine, outcome: Outcome, event: PhaseCompleted | WorkflowCompleted) -> Answer:
    items = engine.evidence(event.evidence)
    accepted = Pager("accepted", budget=ACCEPTED_BYTES).items(
        {"name": name, "basis": item.basis} for name, item in items.items()
    )
    content = cursor = None
    if isinstance(event, PhaseCompleted):
        content, cursor = first_page(engine, outcome.committed.session, outcome.workflow)
    reply = PhasePassed(
        checkpoint_passed=True,
        phase_completed=event.phase,
        evidence_accepted=[AcceptedEvidence.model_validate(one) for one in accepted],
        checks=[],
        skipped_phases=skipped_phases(outcome.workflow, (one.phase for one in event.skipped)),
        next_phase=content,
        workflow_completed=True if isinstance(event, WorkflowCompleted) else None,
        warnings=warnings_of(event.warnings),
        next_cursor=cursor,
    )
    return Answer.of(outcome.committed, reply)


def _refused(outcome: Outcome, event: Refusal) -> GateError:
    gate = require_phase(outcome.workflow, event.phase).gate
    facts: dict[str, Any] = {"checkpoint_passed": False, **attempts.details(event), "checks": []}
    facts["attempt"] = event.attempt
    if isinstance(event, GateBlocked):
        checks = ({"id": clipped(check.id, 200), "status": "not_run"} for check in gate.checks)
        facts["checks"] = Pager("checks", budget=ACCEPTED_BYTES).items(checks)
    else:
        if event.attempts_left is not None:
            facts["attempts_left"] = event.attempts_left
        if event.escalate:
            facts["escalate"] = True
        if event.advice:
            facts["advice"] = clipped(event.advice, ADVICE_BYTES)
        schema = schema_of(gate, set(event.outstanding))
        if schema["properties"] and size(schema) <= SCHEMA_BYTES:
            facts["evidence_schema"] = schema
    if warnings := warnings_of(event.warnings):
        facts["warnings"] = warnings
    if outcome.committed.replayed:
        facts["replayed"] = True
    return GateError(attempts.message(event), remediation=attempts.remediation(event), **facts)


ACTION = Action("complete_phase", CompletePhase, PhasePassed, run)
