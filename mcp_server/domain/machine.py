"""The rules of state: which event is legal where, and what it makes of a session. Nothing else knows one.

A session is in one *state*: its status and, while it is active, how its gate stands. ``TABLE`` is the law: for each
state, the events that are legal there and the state each leads to. An event that is not in the row is a ``StateError``
and nothing happens. What decides between two outcomes of one call (attempts used up or not, last phase or not) is
resolved before, and arrives as an event of its own type. ``apply`` looks the step up, guards the phase, and says what
else of the session changes; what an action may do (``allowed_actions``) is read off the same table.

The current phase is always one that the definition has. Only a phase that is passed moves it forward, over those that
are skipped; only ``RolledBack`` moves it back. Nothing erases history: counters and records live on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, assert_never

from mcp_server.domain.events import (
    AttemptsExhausted,
    Event,
    GateBlocked,
    GateRefused,
    Paused,
    PhaseCompleted,
    PhaseReopened,
    PhaseRetried,
    Resumed,
    RolledBack,
    SealAccepted,
    SessionDeleted,
    SessionImported,
    SessionMigrated,
    SessionStarted,
    SessionUndeleted,
    Skipped,
    WorkflowCompleted,
)
from mcp_server.domain.session import Draft, GateState, PhaseRecord, Session, Status, Usage
from mcp_server.errors import StateError

State = tuple[Status, GateState | None]

GONE: Final = None
"""The state of a session in the trash: no row, nothing is legal but taking it out again."""

OPEN: Final[State] = (Status.ACTIVE, GateState.OPEN)
REFUSED: Final[State] = (Status.ACTIVE, GateState.REFUSED)
BLOCKED: Final[State] = (Status.ACTIVE, GateState.BLOCKED)
PAUSED: Final[State] = (Status.PAUSED, None)
FAILED: Final[State] = (Status.FAILED, None)
COMPLETED: Final[State] = (Status.COMPLETED, None)

_ACTIVE_ROW: Final[Mapping[type, State | None]] = {
    PhaseCompleted: OPEN,
    WorkflowCompleted: COMPLETED,
    GateRefused: REFUSED,
    AttemptsExhausted: FAILED,
    GateBlocked: BLOCKED,
    Paused: PAUSED,
    PhaseRetried: OPEN,
    RolledBack: OPEN,
    SessionDeleted: GONE,
}

TABLE: Final[Mapping[State, Mapping[type, State | None]]] = {
    OPEN: _ACTIVE_ROW,
    REFUSED: _ACTIVE_ROW,
    BLOCKED: _ACTIVE_ROW,
    PAUSED: {Resumed: OPEN, SessionDeleted: GONE},
    FAILED: {PhaseRetried: OPEN, PhaseReopened: OPEN, RolledBack: OPEN, SessionDeleted: GONE},
    COMPLETED: {RolledBack: OPEN, SessionDeleted: GONE},
}

EVENT_OF_ACTION: Final[Mapping[str, type]] = {
    "complete_phase": PhaseCompleted,
    "pause": Paused,
    "resume": Resumed,
    "retry_phase": PhaseRetried,
    "rollback": RolledBack,
    "delete_session": SessionDeleted,
}
"""The event that tells whether a mutating action is legal at all in a state."""


def state_of(session: Session) -> State:
    """The row of the table that a session stands in."""
    return session.session_status, session.gate


def allowed_actions(state: State) -> tuple[str, ...]:
    """The mutating actions that are legal in a state, in the order of the contract."""
    return _actions_in(TABLE[state])


def row_of(session: Session) -> Mapping[type, State | None]:
    """The session's row, less what its gate leaves to a person once the phase has failed."""
    row = TABLE[state_of(session)]
    if _waits_for_person(session):
        return {event: after for event, after in row.items() if event not in (PhaseRetried, RolledBack)}
    return row


def actions_of(session: Session) -> tuple[str, ...]:
    """The mutating actions that are legal for a session now, in the order of the contract."""
    return _actions_in(row_of(session))


def _actions_in(row: Mapping[type, State | None]) -> tuple[str, ...]:
    return tuple(action for action, event in EVENT_OF_ACTION.items() if event in row)


def _waits_for_person(session: Session) -> bool:
    return session.session_status is Status.FAILED and session.reopen == "person"


def require_action(session: Session, action: str) -> None:
    """Raise ``StateError`` unless the session's state allows the action."""
    if EVENT_OF_ACTION[action] not in row_of(session):
        raise refusal(session, f"{action} is not allowed while the session is {session.session_status}.")


def require_phase(session: Session, action: str, phase: int) -> None:
    """Raise ``StateError`` unless ``phase`` is the current one."""
    if phase in session.completed_phases:
        attempt = session.record_of(phase).attempt
        raise refusal(
            session,
            f"Phase {phase} is completed, since attempt {attempt}; the current phase is {session.current_phase}.",
        )
    if phase in session.skipped_phases:
        raise refusal(
            session,
            f"Phase {phase} was skipped; the current phase is {session.current_phase}. A rollback to it opens it.",
        )
    if phase != session.current_phase:
        raise refusal(session, f"{action} works on the current phase, which is {session.current_phase}, not {phase}.")


def refusal(session: Session, message: str, remediation: str | None = None) -> StateError:
    """The error for what a session's state does not allow; without ``remediation`` it points at what is allowed."""
    actions = actions_of(session)
    if remediation is None and _waits_for_person(session):
        remediation = "Only a person can open this phase again: ask them to run `pos-workflow reopen` for this session."
    return StateError(
        message,
        remediation=remediation or f"Look at current_phase and use one of allowed_actions: {', '.join(actions)}.",
        current_phase=session.current_phase,
        allowed_actions=list(actions),
    )


def begin(event: SessionStarted | SessionImported) -> Session:
    """The session that its first event makes."""
    if isinstance(event, SessionImported):
        return event.session
    return Session(
        session_id=event.session_id,
        version=1,
        session_status=Status.ACTIVE,
        gate=GateState.OPEN,
        workflow_type=event.workflow_type,
        target_file=event.target_file,
        definition=event.definition,
        phases=event.phases,
        current_phase=event.first_phase,
        phase_history=_entered(_past((), event.skipped, event.at), event.first_phase, event.at),
        options=event.options,
        created_at=event.at,
        last_updated=event.at,
    )


def apply(session: Session, event: Event) -> Session:
    """The session after the event: a new value, one version on.

    Raises ``StateError`` when the table has no such step, or the event speaks of a phase that is not the current one.
    """
    match event:
        case SessionStarted() | SessionImported():
            raise refusal(session, "The session has already been started.")
        case SessionUndeleted():
            return _next(session, event, deleted_at=None)
        case SessionMigrated():
            return _next(session, event)
        case SealAccepted():
            return _next(event.session, event)
        case _:
            pass
    row = row_of(session)
    if type(event) not in row or session.deleted_at is not None:
        raise refusal(session, f"{event.type} cannot happen while the session is {session.session_status}.")
    after = row[type(event)]
    if after is None:
        return _next(session, event, deleted_at=event.at)
    changes: dict[str, Any] = {"session_status": after[0], "gate": after[1]}
    return _next(session, event, **changes, **_consequences(session, event))


def _consequences(session: Session, event: Event) -> dict[str, Any]:
    """What an event changes beside status and gate."""
    match event:
        case GateRefused() | AttemptsExhausted():
            _guard(session, event.phase)
            record = session.record
            status = "failed" if isinstance(event, AttemptsExhausted) else "in_progress"
            return {
                "draft": Draft(evidence=event.evidence, outstanding=event.outstanding),
                "last_refusal": event.fingerprint,
                "escalated": event.escalate,
                "reopen": event.reopen if isinstance(event, AttemptsExhausted) else session.reopen,
                "usage": _added(session.usage, event.usage),
                "phase_history": _with(
                    session, record, attempt=event.attempt, refused=record.refused + 1, status=status
                ),
            }
        case GateBlocked():
            _guard(session, event.phase)
            return {
                "draft": Draft(evidence=event.evidence, outstanding=event.outstanding),
                "usage": _added(session.usage, event.usage),
                "phase_history": _with(session, session.record, attempt=event.attempt),
            }
        case PhaseCompleted():
            changes = _passed(session, event)
            history = _entered(changes["phase_history"], event.next_phase, event.at)
            return changes | {"current_phase": event.next_phase, "phase_history": history}
        case WorkflowCompleted():
            last = event.skipped[-1].phase if event.skipped else event.phase
            return _passed(session, event) | {"current_phase": last, "completed_at": event.at}
        case Paused():
            return {"paused_at": event.at, "checkpoint_note": event.note}
        case Resumed():
            paused = session.record.paused_seconds + event.paused_seconds
            return {"paused_at": None, "phase_history": _with(session, session.record, paused_seconds=paused)}
        case PhaseRetried() | PhaseReopened():
            _guard(session, event.phase)
            return _retried(session, event)
        case RolledBack():
            _guard(session, event.from_phase)
            return _rolled_back(session, event)
        case (
            SessionStarted()
            | SessionImported()
            | SessionDeleted()
            | SessionUndeleted()
            | SessionMigrated()
            | SealAccepted()
        ):
            return {}
        case _:
            assert_never(event)


def _guard(session: Session, phase: int) -> None:
    if phase != session.current_phase:
        raise refusal(session, f"The current phase is {session.current_phase}, not {phase}.")


def _next(session: Session, event: Event, **changes: Any) -> Session:
    # A clock that was set back must not make last_updated go back; order comes from the version.
    at = max(event.at, session.last_updated)
    return session.model_copy(update={**changes, "version": session.version + 1, "last_updated": at})


def _added(usage: Usage, more: Usage) -> Usage:
    return Usage(tokens=usage.tokens + more.tokens, cost_usd=usage.cost_usd + more.cost_usd)


def _with(session: Session, record: PhaseRecord, **changes: Any) -> tuple[PhaseRecord, ...]:
    """The history with one record changed."""
    changed = record.model_copy(update=changes)
    return tuple(changed if one.phase == record.phase else one for one in session.phase_history)


def _entered(
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


def _past(history: tuple[PhaseRecord, ...], skipped: tuple[Skipped, ...], at: datetime) -> tuple[PhaseRecord, ...]:
    """The history with phases skipped."""
    for one in skipped:
        history = _entered(history, one.phase, at, "skipped")
    return history


def _passed(session: Session, event: PhaseCompleted | WorkflowCompleted) -> dict[str, Any]:
    _guard(session, event.phase)
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
        "phase_history": _past(history, event.skipped, event.at),
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


def _rolled_back(session: Session, event: RolledBack) -> dict[str, Any]:
    target = event.to_phase
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
        "phase_history": _entered(history, target, event.at),
    }
