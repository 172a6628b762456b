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
from typing import Any, Final

from mcp_server.domain.consequences import consequences, entered, past
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
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.session import GateState, Session, Status
from mcp_server.errors import StateError

State = tuple[Status, GateState | None]

GONE: Final = None
"""The state of a session in the trash: no row, nothing is legal but taking it out again."""

OPEN: Final[State] = (Status.ACTIVE, GateState.OPEN)
REFUSED: Final[State] = (Status.ACTIVE, GateState.REFUSED)
BLOCKED: Final[State] = (Status.ACTIVE, GateState.BLOCKED)
CHECKING: Final[State] = (Status.ACTIVE, GateState.CHECKING)
AWAITING: Final[State] = (Status.ACTIVE, GateState.AWAITING_APPROVAL)
INTERRUPTED: Final[State] = (Status.ACTIVE, GateState.INTERRUPTED)
EXPIRED: Final[State] = (Status.ACTIVE, GateState.EXPIRED)
PAUSED: Final[State] = (Status.PAUSED, None)
FAILED: Final[State] = (Status.FAILED, None)
COMPLETED: Final[State] = (Status.COMPLETED, None)

_ACTIVE_ROW: Final[Mapping[type, State | None]] = {
    PhaseCompleted: OPEN,
    WorkflowCompleted: COMPLETED,
    AttemptBegun: CHECKING,
    GateRefused: REFUSED,
    AttemptsExhausted: FAILED,
    GateSentBack: OPEN,
    GateBlocked: BLOCKED,
    PhaseOverridden: OPEN,
    WorkflowOverridden: COMPLETED,
    Repinned: OPEN,
    Paused: PAUSED,
    PhaseRetried: OPEN,
    RolledBack: OPEN,
    SessionDeleted: GONE,
}

TABLE: Final[Mapping[State, Mapping[type, State | None]]] = {
    OPEN: _ACTIVE_ROW,
    CHECKING: {**_ACTIVE_ROW, ApprovalRequested: AWAITING, AttemptInterrupted: INTERRUPTED},
    AWAITING: {**_ACTIVE_ROW, AttemptExpired: EXPIRED},
    REFUSED: _ACTIVE_ROW,
    BLOCKED: _ACTIVE_ROW,
    INTERRUPTED: _ACTIVE_ROW,
    EXPIRED: _ACTIVE_ROW,
    PAUSED: {Resumed: OPEN, Repinned: PAUSED, SessionDeleted: GONE},
    FAILED: {
        PhaseRetried: OPEN,
        PhaseReopened: OPEN,
        RolledBack: OPEN,
        PhaseOverridden: OPEN,
        WorkflowOverridden: COMPLETED,
        Repinned: FAILED,
        SessionDeleted: GONE,
    },
    COMPLETED: {RolledBack: OPEN, SessionDeleted: GONE},
}

EVENT_OF_ACTION: Final[Mapping[str, type]] = {
    "complete_phase": GateRefused,
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


def allows(session: Session, action: str) -> bool:
    """Whether the session's state allows the action."""
    return EVENT_OF_ACTION[action] in row_of(session)


def require_action(session: Session, action: str) -> None:
    """Raise ``StateError`` unless the session's state allows the action."""
    if not allows(session, action):
        status = session.session_status
        hint = None if _waits_for_person(session) else _GOING_ON[status]
        raise refusal(session, f"{action} is not allowed while the session is {status}.", hint)


def require_phase(session: Session, action: str, phase: int) -> None:
    """Raise ``StateError`` unless ``phase`` is the current one."""
    if phase in session.completed_phases:
        attempt = session.record_of(phase).attempt
        raise refusal(
            session,
            f"Phase {phase} is completed, since attempt {attempt}; the current phase is {session.current_phase}.",
            "Go on with the current phase (get_phase), or open the completed one again (rollback).",
        )
    if phase in session.skipped_phases:
        raise refusal(
            session,
            f"Phase {phase} was skipped; the current phase is {session.current_phase}.",
            "Go on with the current phase (get_phase), or open the skipped one (rollback).",
        )
    if phase != session.current_phase:
        raise refusal(
            session,
            f"{action} works on the current phase, which is {session.current_phase}, not {phase}.",
            f"Read phase {session.current_phase} (get_phase) and work on it; the others come in their turn.",
        )


_GOING_ON: Final[Mapping[Status, str]] = {
    Status.ACTIVE: "It is not paused: go on with its current phase.",
    Status.PAUSED: "Call resume first.",
    Status.FAILED: "Find out what was refused (get_errors), then retry_phase or rollback.",
    Status.COMPLETED: "Nothing is left to do; rollback opens a phase again.",
}


def refusal(session: Session, message: str, remediation: str | None = None) -> StateError:
    """The error for what a session's state does not allow; without ``remediation`` it points at what is allowed."""
    actions = actions_of(session)
    if remediation is None and _waits_for_person(session):
        remediation = "Only a person can open this phase again: ask them to run `pos-workflow reopen` for this session."
    return StateError(
        message,
        remediation=remediation or "Use one of allowed_actions.",
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
        phase_history=entered(past((), event.skipped, event.at), event.first_phase, event.at),
        options=event.options,
        baselines={} if event.baseline is None else {event.first_phase: event.baseline},
        created_at=event.at,
        last_updated=event.at,
        active_since=event.at,
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
        case SessionRestored() | SealAccepted():
            return _next(event.session, event)
        case BudgetRaised() if session.deleted_at is None:
            return _next(session, event, budget=event.budget)
        case _:
            pass
    row = row_of(session)
    if type(event) not in row or session.deleted_at is not None:
        raise refusal(session, f"{event.type} cannot happen while the session is {session.session_status}.")
    after = row[type(event)]
    _guard(session, event)
    # Whatever happens ends an attempt that is under way, but what carries it on.
    ended: dict[str, Any] = {"under_way": None}
    if after is None:
        if session.under_way is not None:
            ended["gate"] = GateState.OPEN
        return _next(session, event, **ended, deleted_at=event.at)
    ended |= {"session_status": after[0], "gate": after[1]}
    return _next(session, event, **(ended | consequences(session, event)))


def _guard(session: Session, event: Event) -> None:
    """Raise ``StateError`` when an event speaks of a phase that is not the current one."""
    phase = getattr(event, "from_phase", getattr(event, "phase", session.current_phase))
    if phase != session.current_phase:
        raise refusal(session, f"The current phase is {session.current_phase}, not {phase}.")


def _next(session: Session, event: Event, **changes: Any) -> Session:
    # A clock that was set back must not make last_updated go back; order comes from the version.
    at = max(event.at, session.last_updated)
    after = session.model_copy(update={**changes, "version": session.version + 1, "last_updated": at})
    return after.model_copy(update=_metered(after, at))


def _metered(session: Session, at: datetime) -> dict[str, Any]:
    """The clock of active time, started or stopped as the session now stands."""
    running = session.session_status is Status.ACTIVE and session.deleted_at is None
    if running == (session.active_since is not None):
        return {}
    if running:
        return {"active_since": at}
    return {"active_seconds": round(session.active_seconds_at(at), 3), "active_since": None}
