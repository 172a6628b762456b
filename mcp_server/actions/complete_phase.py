"""``complete_phase``: show the evidence and leave the phase through its gate."""

from __future__ import annotations

from typing import Any, Final

from mcp_server.actions import attempts
from mcp_server.actions.action import Action, Answer, Part, Pending, Reply, SessionMutation
from mcp_server.actions.checks import told, unjudged
from mcp_server.actions.content import PhaseContent, first_page, properties_of, warnings_of
from mcp_server.actions.decisions import DecidedBy, Pass, decided_by
from mcp_server.actions.fields import EvidenceObject, PhaseNumber, SessionId
from mcp_server.actions.guidance import POLL_FOR_PERSON_SECONDS, POLL_SECONDS
from mcp_server.actions.paging import Pager, clipped, size
from mcp_server.actions.skipped import SkippedPhase, skipped_phases
from mcp_server.domain.definition import Gate
from mcp_server.domain.events import (
    ApprovalRequested,
    AttemptBegun,
    AttemptExpired,
    AttemptInterrupted,
    AttemptsExhausted,
    GateBlocked,
    GateRefused,
    GateSentBack,
    Paused,
    PhaseCompleted,
    PhaseOverridden,
    PhaseReopened,
    PhaseRetried,
    Repinned,
    RolledBack,
    SessionDeleted,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.session import GateState
from mcp_server.domain.suggestions import did_you_mean
from mcp_server.engine import Engine, Outcome, Refusal, Standing, require_phase
from mcp_server.errors import GateError

ACCEPTED_BYTES = 8_000
"""What the list of accepted evidence may take; ``get_session`` has it all."""
SCHEMA_BYTES = 16_000
ADVICE_BYTES = 4_000
UNREAD_SHOWN = 5


class CompletePhase(SessionMutation):
    """Submit the evidence of the current phase; its gate lets the session go on or says all that is wrong.

    All the evidence is submitted at once, in every attempt. A refusal is recorded and counts against the attempts. A
    gate may have checks that the server runs: what takes long is answered by ``gate: checking``, and the same call
    later tells what came of it.
    """

    session_id: SessionId
    phase: PhaseNumber
    evidence: EvidenceObject


class AcceptedEvidence(Part):
    """A piece of evidence and why it is believed: ``attested`` means that the assistant said so."""

    name: str
    basis: str


class Attempted(Reply):
    """What came of an attempt that was not refused.

    Passed: ``next_phase`` in full, or the end of the workflow; ``skipped_phases`` lie between, ``overridden_phases``
    are all that a person let go although their gate did not. Still under way: ``gate`` says whether checks run or a
    person is waited for, and the same call after ``poll_after_seconds`` tells how it stands then.
    """

    checkpoint_passed: bool
    phase_completed: int | None = None
    basis: str | None = None
    decided_by: DecidedBy | None = None
    evidence_accepted: list[AcceptedEvidence] | None = None
    checks: list[dict[str, Any]]
    skipped_phases: list[SkippedPhase] | None = None
    overridden_phases: list[int] | None = None
    next_phase: PhaseContent | None = None
    workflow_completed: bool | None = None
    gate: str | None = None
    attempt: int | None = None
    poll_after_seconds: int | None = None
    approval: dict[str, Any] | None = None


def run(engine: Engine, params: CompletePhase) -> Answer | Pending:
    """Judge, and answer with the next phase or raise GateError with every finding."""
    result = engine.complete_phase(params.session_id, params.phase, params.evidence, params.call())
    running = result.running if isinstance(result, Standing) else None
    if not isinstance(result, Standing) or running is None:
        return told_of(engine, result)
    begun = result.begun
    return Pending(running, lambda: told_of(engine, running.outcome or engine.attempt(params.session_id, begun)))


def told_of(engine: Engine, result: Outcome | Standing) -> Answer:
    """What an attempt came to, or where it stands; GateError when it did not pass."""
    if isinstance(result, Standing):
        return _standing(engine, result)
    event = result.committed.event
    match event:
        case PhaseCompleted() | WorkflowCompleted() | PhaseOverridden() | WorkflowOverridden():
            return _passed(engine, result, event)
        case ApprovalRequested():
            return _standing(engine, engine.standing(result.committed.session.session_id))
        case GateRefused() | AttemptsExhausted() | GateSentBack() | GateBlocked():
            raise _refused(engine, result, event)
        case _:
            raise _ended(result)


def _standing(engine: Engine, standing: Standing) -> Answer:
    session = standing.session
    gate = require_phase(standing.workflow, session.current_phase).gate
    under_way = session.under_way
    waits = session.gate is GateState.AWAITING_APPROVAL
    approval = None
    if waits and gate.approval is not None and under_way is not None:
        approval = {"prompt": clipped(gate.approval.question, ADVICE_BYTES), "expires_at": under_way.expires_at}
    reply = Attempted(
        checkpoint_passed=False,
        checks=told(engine, under_way.checked if under_way else None) or unjudged(gate, "running"),
        gate=session.gate,
        attempt=session.record.attempt,
        poll_after_seconds=POLL_FOR_PERSON_SECONDS if waits else POLL_SECONDS,
        approval=approval,
    )
    return Answer(reply, session)


def _passed(engine: Engine, outcome: Outcome, event: Pass) -> Answer:
    items = engine.evidence(event.evidence)
    accepted = Pager("accepted", budget=ACCEPTED_BYTES).items(
        {"name": name, "basis": item.basis} for name, item in items.items()
    )
    content = cursor = None
    if isinstance(event, PhaseCompleted | PhaseOverridden):
        content, cursor = first_page(engine, outcome.committed.session, outcome.workflow)
    reply = Attempted(
        checkpoint_passed=True,
        phase_completed=event.phase,
        basis=event.basis,
        decided_by=decided_by(event.decision),
        evidence_accepted=[AcceptedEvidence.model_validate(one) for one in accepted],
        checks=told(engine, event.checked),
        skipped_phases=skipped_phases(outcome.workflow, (one.phase for one in event.skipped)),
        overridden_phases=list(outcome.committed.session.overridden_phases) or None,
        next_phase=content,
        workflow_completed=True if isinstance(event, WorkflowCompleted | WorkflowOverridden) else None,
        warnings=warnings_of(event.warnings),
        next_cursor=cursor,
    )
    return Answer.of(outcome.committed, reply)


def _refused(engine: Engine, outcome: Outcome, event: Refusal) -> GateError:
    gate = require_phase(outcome.workflow, event.phase).gate
    facts: dict[str, Any] = {"checkpoint_passed": False, **attempts.details(event)}
    facts["checks"] = told(engine, event.checked)
    facts["attempt"] = event.attempt
    if isinstance(event, GateBlocked):
        facts["checks"] = facts["checks"] or unjudged(gate, "not_run")
    else:
        facts |= _counted(gate, event)
    if warnings := warnings_of([*event.warnings, *_not_asked_for(engine, gate, event)]):
        facts["warnings"] = warnings
    if outcome.committed.replayed:
        facts["replayed"] = True
    return GateError(attempts.message(event), remediation=attempts.remediation(event), **facts)


def _counted(gate: Gate, event: GateRefused | AttemptsExhausted | GateSentBack) -> dict[str, Any]:
    """What a refusal says beside its findings: how many are left, and what helps with the next attempt."""
    facts: dict[str, Any] = {}
    if event.attempts_left is not None:
        facts["attempts_left"] = event.attempts_left
    if event.escalate:
        facts["escalate"] = True
    if event.advice:
        facts["advice"] = clipped(event.advice, ADVICE_BYTES)
    if isinstance(event, GateSentBack):
        facts["rolled_back_to"] = event.to_phase
    if isinstance(event, GateRefused) and not event.escalate:
        # Who was told the same before has it, and elsewhere it is not what is to be submitted next.
        properties = properties_of(gate, set(event.outstanding))
        if properties and size(properties) <= SCHEMA_BYTES:
            facts["evidence_schema"] = {"type": "object", "properties": properties}
    return facts


def _not_asked_for(engine: Engine, gate: Gate, event: Refusal) -> list[str]:
    """Names that were submitted while others are missing and that nothing of the gate reads: perhaps misspelled."""
    if not event.missing:
        return []
    read = {field.name for field in gate.fields} | {"usage"}
    unread = [
        name
        for name in engine.evidence(event.evidence)
        if name not in read and not any(name in rule.expression for rule in gate.rules)
    ]
    said = [
        f"{clipped(name, 100)} is not asked for{did_you_mean(name, event.missing)}" for name in unread[:UNREAD_SHOWN]
    ]
    return [*said, f"{len(unread) - UNREAD_SHOWN} more are not asked for"] if len(unread) > UNREAD_SHOWN else said


def _ended(outcome: Outcome) -> GateError:
    """The error for an attempt that ended without a verdict."""
    event = outcome.committed.event
    match event:
        case AttemptInterrupted():
            gate, said = "interrupted", f"The checks of the attempt came to no end: {event.reason}."
        case AttemptExpired():
            gate, said = "expired", f"The attempt is no longer waited for: {event.reason}."
        case _:
            gate, said = "superseded", f"The attempt ended without a verdict: {_SUPERSEDED.get(type(event), _ELSE)}."
    remediation = "Nothing was judged, and it does not count. "
    if gate == "superseded":
        # Another attempt may be under way, which a new one would end.
        remediation += "Look where the session stands now (get_phase) before anything is submitted."
    else:
        remediation += "Submit again, with a fresh request_id."
    again: dict[str, Any] = {"replayed": True} if outcome.committed.replayed else {}
    return GateError(said, remediation=remediation, checkpoint_passed=False, gate=gate, checks=[], **again)


_ELSE: Final = "the session has gone on without it"
_SUPERSEDED: Final[dict[type, str]] = {
    AttemptBegun: "other evidence took its place",
    Paused: "the session was paused",
    PhaseRetried: "the phase was begun again",
    PhaseReopened: "a person opened the phase again",
    RolledBack: "the session went back to an earlier phase",
    Repinned: "a person gave the session another definition",
    SessionDeleted: "the session was deleted",
}
"""What ended an attempt that came to no verdict."""

ACTION = Action("complete_phase", CompletePhase, Attempted, run)
