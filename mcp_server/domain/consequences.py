"""What each event changes in a session, beside its status and gate. The law of what may happen is ``machine``'s."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, assert_never

from mcp_server.domain.events import (
    ApprovalRequested,
    AttemptBegun,
    AttemptExpired,
    AttemptInterrupted,
    AttemptsExhausted,
    BudgetRaised,
    Event,
    GateBlocked,
    GateRefused,
    GateSentBack,
    Paused,
    PhaseCompleted,
    PhaseOverridden,
    PhaseReopened,
    PhaseRetried,
    Repinned,
    Resumed,
    RolledBack,
    SealAccepted,
    SessionDeleted,
    SessionImported,
    SessionMigrated,
    SessionRestored,
    SessionStarted,
    SessionUndeleted,
    Skipped,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.session import Draft, PhaseRecord, Session, Status, UnderWay, Usage

Refusal = GateRefused | AttemptsExhausted | GateSentBack
Pass = PhaseCompleted | WorkflowCompleted | PhaseOverridden | WorkflowOverridden
OfAttempt = AttemptBegun | ApprovalRequested | AttemptInterrupted | AttemptExpired | Refusal | GateBlocked | Pass
"""The events of a gate: an attempt that begins, stands or has come to something."""


def consequences(session: Session, event: Event) -> dict[str, Any]:
    """The fields that an event changes, status and gate apart. The event has been found legal."""
    match event:
        case (
            AttemptBegun()
            | ApprovalRequested()
            | AttemptInterrupted()
            | AttemptExpired()
            | GateRefused()
            | AttemptsExhausted()
            | GateSentBack()
            | GateBlocked()
            | PhaseCompleted()
            | WorkflowCompleted()
            | PhaseOverridden()
            | WorkflowOverridden()
        ):
            return _of_attempt(session, event)
        case Repinned():
            return _repinned(session, event)
        case Paused():
            return {"paused_at": event.at, "checkpoint_note": event.note}
        case Resumed():
            paused = session.record.paused_seconds + event.paused_seconds
            return {"paused_at": None, "phase_history": _with(session, session.record, paused_seconds=paused)}
        case PhaseRetried() | PhaseReopened():
            return _retried(session, event)
        case RolledBack():
            return _rolled_back(session, event.to_phase, event.at)
        case (
            SessionStarted()
            | SessionImported()
            | SessionDeleted()
            | SessionUndeleted()
            | SessionMigrated()
            | SessionRestored()
            | SealAccepted()
            | BudgetRaised()
        ):
            return {}
        case _:
            assert_never(event)


def _repinned(session: Session, event: Repinned) -> dict[str, Any]:
    baselines = session.baselines
    if event.baseline is not None:
        baselines = {**baselines, session.current_phase: event.baseline}
    return {
        "definition": event.definition,
        "phases": event.phases,
        "baselines": baselines,
        "last_refusal": None,
        "escalated": False,
    }


def _of_attempt(session: Session, event: OfAttempt) -> dict[str, Any]:
    match event:
        case AttemptBegun():
            under_way = UnderWay(attempt=event.attempt, run=event.run, fingerprint=event.fingerprint, begun_at=event.at)
            return _attempted(session, event, ()) | {"under_way": under_way}
        case ApprovalRequested():
            asked = {"checked": event.checked, "asked_at": event.at, "expires_at": event.expires_at}
            under_way = session.under_way.model_copy(update=asked) if session.under_way else None
            return {"draft": Draft(evidence=event.evidence), "under_way": under_way}
        case AttemptInterrupted() | AttemptExpired():
            return {}
        case GateBlocked():
            return _attempted(session, event, event.outstanding)
        case GateSentBack():
            refused = session.model_copy(update=_refused(session, event))
            return {"usage": refused.usage, **_rolled_back(refused, event.to_phase, event.at)}
        case GateRefused() | AttemptsExhausted():
            return _refused(session, event)
        case PhaseCompleted() | PhaseOverridden():
            return _moved_on(session, event)
        case WorkflowCompleted() | WorkflowOverridden():
            last = event.skipped[-1].phase if event.skipped else event.phase
            return _passed(session, event) | {"current_phase": last, "completed_at": event.at}
        case _:
            assert_never(event)


def _attempted(session: Session, event: AttemptBegun | GateBlocked, outstanding: tuple[str, ...]) -> dict[str, Any]:
    return {
        "draft": Draft(evidence=event.evidence, outstanding=outstanding),
        "usage": _added(session.usage, event.usage),
        "phase_history": _with(session, session.record, attempt=event.attempt),
    }


def _moved_on(session: Session, event: PhaseCompleted | PhaseOverridden) -> dict[str, Any]:
    changes = _passed(session, event)
    baselines = dict(session.baselines)
    if event.baseline is not None:
        # The first one stays: who goes back and comes again must not have it taken of what was changed meanwhile.
        baselines.setdefault(event.next_phase, event.baseline)
    history = entered(changes["phase_history"], event.next_phase, event.at)
    return changes | {"current_phase": event.next_phase, "phase_history": history, "baselines": baselines}


def _refused(session: Session, event: Refusal) -> dict[str, Any]:
    record = session.record
    failed = isinstance(event, AttemptsExhausted)
    return {
        "draft": Draft(evidence=event.evidence, outstanding=event.outstanding),
        "last_refusal": event.fingerprint,
        "escalated": event.escalate,
        "reopen": event.reopen if failed else session.reopen,
        "usage": _added(session.usage, event.usage),
        "phase_history": _with(
            session,
            record,
            attempt=event.attempt,
            refused=record.refused + 1,
            status="failed" if failed else "in_progress",
        ),
    }


def _added(usage: Usage, more: Usage) -> Usage:
    return Usage(tokens=usage.tokens + more.tokens, cost_usd=usage.cost_usd + more.cost_usd)


def _with(session: Session, record: PhaseRecord, **changes: Any) -> tuple[PhaseRecord, ...]:
    """The history with one record changed."""
    changed = record.model_copy(update=changes)
    return tuple(changed if one.phase == record.phase else one for one in session.phase_history)


def entered(
    history: tuple[PhaseRecord, ...],
    phase: int,
    at: datetime,
    status: Literal["in_progress", "skipped"] = "in_progress",
) -> tuple[PhaseRecord, ...]:
    """The history with a phase entered: counters of an earlier visit are kept, its times start anew."""
    for record in history:
        if record.phase == phase:
            anew = PhaseRecord(
                phase=phase,
                status=status,
                attempt=record.attempt,
                refused=record.refused,
                started_at=at,
            )
            return tuple(anew if one.phase == phase else one for one in history)
    return (*history, PhaseRecord(phase=phase, status=status, started_at=at))


def past(history: tuple[PhaseRecord, ...], skipped: tuple[Skipped, ...], at: datetime) -> tuple[PhaseRecord, ...]:
    """The history with phases skipped."""
    for one in skipped:
        history = entered(history, one.phase, at, "skipped")
    return history


def _passed(session: Session, event: Pass) -> dict[str, Any]:
    record = session.record
    elapsed = (event.at - record.started_at).total_seconds() - record.paused_seconds
    history = _with(
        session,
        record,
        status="completed",
        attempt=event.attempt,
        basis=event.basis,
        completed_at=event.at,
        duration_seconds=max(0.0, round(elapsed, 3)),
    )
    return {
        "artifacts": {**session.artifacts, event.phase: event.evidence},
        "completed_phases": tuple(sorted({*session.completed_phases, event.phase})),
        "draft": None,
        "last_refusal": None,
        "escalated": False,
        "checkpoint_note": None,
        "usage": _added(session.usage, event.usage),
        "phase_history": past(history, event.skipped, event.at),
    }


def _retried(session: Session, event: PhaseRetried | PhaseReopened) -> dict[str, Any]:
    reset = isinstance(event, PhaseRetried) and event.reset_evidence
    reopened = session.session_status is Status.FAILED
    refused = 0 if reopened else session.record.refused
    return {
        "draft": None if reset else session.draft,
        "escalated": False,
        "reopen": "assistant",
        "phase_history": _with(session, session.record, status="in_progress", refused=refused),
    }


def _rolled_back(session: Session, target: int, at: datetime) -> dict[str, Any]:
    accepted = session.artifacts.get(target)
    refused_anew = session.session_status is Status.FAILED

    def record(one: PhaseRecord) -> PhaseRecord:
        if one.phase == session.current_phase and refused_anew:
            one = one.model_copy(update={"refused": 0})
        if one.phase > target:
            return one.model_copy(update={"status": "rolled_back"})
        return one

    history = tuple(record(one) for one in session.phase_history)
    kept = session.draft if target == session.current_phase else None
    return {
        "current_phase": target,
        "completed_phases": tuple(phase for phase in session.completed_phases if phase < target),
        "artifacts": {phase: evidence for phase, evidence in session.artifacts.items() if phase < target},
        "draft": Draft(evidence=accepted) if accepted is not None else kept,
        "last_refusal": None,
        "escalated": False,
        "checkpoint_note": None,
        "completed_at": None,
        "phase_history": entered(history, target, at),
    }
