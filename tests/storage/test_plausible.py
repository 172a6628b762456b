"""What no walk through the workflow leads to is told from what one may have led to, and the changes are named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mcp_server.domain import machine
from mcp_server.domain.authority import Authority
from mcp_server.domain.events import (
    ApprovalRequested,
    AttemptBegun,
    AttemptExpired,
    AttemptInterrupted,
    AttemptsExhausted,
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
    SessionDeleted,
    SessionUndeleted,
    Skipped,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.results import Decision
from mcp_server.domain.session import Draft, Evidence, GateState, Session, Status
from mcp_server.errors import CorruptStateError
from mcp_server.storage.plausible import differences, require_reachable
from tests.storage.support import at, completing, refusing, started, toggling

pytestmark = pytest.mark.unit


def events(session: Session) -> list[Event]:
    """One event of each kind, and a rollback to every phase."""
    now, phase, attempt = at(session), session.current_phase, session.record.attempt + 1
    judged: dict[str, Any] = {"at": now, "phase": phase, "attempt": attempt, "evidence": Evidence(), "outstanding": ()}
    refused: dict[str, Any] = {**judged, "missing": (), "findings": (), "fingerprint": "f"}
    passed: dict[str, Any] = {
        "at": now,
        "phase": phase,
        "attempt": attempt,
        "evidence": Evidence(),
        "basis": "attested",
    }
    last = phase == session.phases[-1]
    rest = tuple(Skipped(phase=one, condition="options") for one in session.phases if one > phase)
    under_way = session.under_way.attempt if session.under_way else attempt
    standing: dict[str, Any] = {"at": now, "phase": phase, "attempt": under_way}
    decided = Decision(at=now, authority=Authority())
    let_go: dict[str, Any] = {**passed, "basis": "overridden", "decision": decided}
    found: list[Event] = [
        WorkflowCompleted(**passed) if last else PhaseCompleted(**passed, next_phase=phase + 1),
        WorkflowCompleted(**passed, skipped=rest),
        *(PhaseCompleted(**passed, skipped=rest[:1], next_phase=one.phase) for one in rest[1:2]),
        GateRefused(**refused),
        AttemptsExhausted(**refused),
        GateBlocked(**judged, blocked_by=("checks",)),
        Paused(at=now, note=None),
        Resumed(at=now, paused_seconds=1.0),
        PhaseRetried(at=now, phase=phase),
        PhaseReopened(at=now, phase=phase, reason="because"),
        *(RolledBack(at=now, from_phase=phase, to_phase=one) for one in session.phases if one <= phase),
        SessionDeleted(at=now),
        AttemptBegun(**standing, evidence=Evidence(), run="0" * 32, fingerprint="f"),
        ApprovalRequested(**standing, evidence=Evidence(), run="0" * 32, expires_at=now),
        AttemptInterrupted(**standing, reason="gone"),
        AttemptExpired(**standing, reason="late"),
        GateSentBack(**refused, to_phase=session.phases[0]),
        WorkflowOverridden(**let_go) if last else PhaseOverridden(**let_go, next_phase=phase + 1),
        Repinned(at=now, definition=session.definition, phases=session.phases, decision=decided),
    ]
    return found


def outline(session: Session) -> object:
    """A session without what only counts or tells the time."""
    records = tuple((one.phase, one.status, one.attempt > 0) for one in session.phase_history)
    state = machine.state_of(session)
    return session.current_phase, state, records, session.deleted_at is None, bool(session.draft)


def walks() -> list[Session]:
    """Every kind of session that events lead to."""
    first = machine.begin(started())
    second = machine.begin(started(first_phase=2, skipped=(Skipped(phase=1, condition="options"),)))
    found = {outline(one): one for one in (first, second)}
    todo = [first, second]
    while todo:
        session = todo.pop()
        one_on = [SessionUndeleted(at=at(session))] if session.deleted_at else events(session)
        for event in one_on:
            if session.deleted_at is None and type(event) not in machine.TABLE[machine.state_of(session)]:
                continue
            after = machine.apply(session, event)
            if outline(after) not in found:
                found[outline(after)] = after
                todo.append(after)
    return list(found.values())


def test_whatever_events_lead_to_is_reachable() -> None:
    found = walks()
    assert len(found) > 100
    for session in found:
        require_reachable(session)


def in_phase_two() -> Session:
    session = machine.begin(started())
    return machine.apply(session, completing()(session))


def completed() -> Session:
    session = in_phase_two()
    session = machine.apply(session, completing()(session))
    return machine.apply(session, events(session)[0])


def past_two() -> Session:
    """In phase 3, with phase 2 skipped."""
    session = machine.begin(started())
    return machine.apply(session, events(session)[2])


RECORD = machine.begin(started()).record
SKIPPED = RECORD.model_copy(update={"status": "skipped"})
NOTHING_DONE: dict[str, Any] = {
    "completed_phases": (),
    "artifacts": {},
    "phase_history": tuple(SKIPPED.model_copy(update={"phase": phase}) for phase in (1, 2, 3)),
}
EDITS: list[tuple[Session, dict[str, Any], str]] = [
    (machine.begin(started()), {"current_phase": 2}, "phase 1 is not completed"),
    (machine.begin(started()), {"current_phase": 9}, "has no phase 9"),
    (machine.begin(started()), {"gate": None}, "cannot have the gate"),
    (machine.begin(started()), {"gate": GateState.REFUSED}, "an attempt that nobody made"),
    (machine.begin(started()), {"gate": GateState.REFUSED, "draft": Draft(evidence=Evidence())}, "nobody made"),
    (machine.begin(started()), {"phases": (2, 1)}, "not in order"),
    (machine.begin(started()), {"version": 0}, "not a version"),
    (machine.begin(started()), {"paused_at": at(in_phase_two())}, "paused_at"),
    (machine.begin(started()), {"completed_phases": (1,)}, "completed without evidence"),
    (machine.begin(started()), {"artifacts": {1: Evidence()}}, "evidence too early"),
    (machine.begin(started()), {"completed_phases": (1,), "artifacts": {1: Evidence()}}, "still to be done"),
    (machine.begin(started()), {"completed_phases": (2,), "artifacts": {2: Evidence()}}, "not the first ones"),
    (machine.begin(started()), {"session_status": Status.COMPLETED, "gate": None}, "it is completed, and phase 1"),
    (machine.begin(started()), {"phase_history": ()}, "gaps"),
    (machine.begin(started()), {"phase_history": (RECORD.model_copy(update={"refused": 4}),)}, "contradicts itself"),
    (in_phase_two(), {"artifacts": {}}, "phase 1 is completed without evidence"),
    (in_phase_two(), {"current_phase": 3}, "phase 2 is not completed"),
    (in_phase_two(), {"phase_history": (RECORD, RECORD.model_copy(update={"phase": 2}))}, "must be completed"),
    (in_phase_two(), {"session_status": Status.COMPLETED, "gate": None}, "it is completed, and phase 2"),
    (past_two(), {"completed_phases": (1, 2), "artifacts": {1: Evidence(), 2: Evidence()}}, "not the first ones"),
    (past_two(), {"artifacts": {1: Evidence(), 2: Evidence()}}, "phase 2 has evidence too early"),
    (past_two(), {"current_phase": 2}, "still to be done"),
    (machine.begin(started()), {"phase_history": (SKIPPED,)}, "still to be done"),
    (in_phase_two(), {"phase_history": (SKIPPED, RECORD.model_copy(update={"phase": 2}))}, "not the first ones"),
    (completed(), NOTHING_DONE, "every phase was skipped"),
    (completed(), {"completed_at": None}, "completed_at"),
    (completed(), {"draft": Draft(evidence=Evidence())}, "has a draft"),
    (completed(), {"session_status": Status.ACTIVE, "gate": GateState.OPEN}, "still to be done"),
]


@pytest.mark.parametrize(("session", "changes", "problem"), EDITS, ids=[one[2] for one in EDITS])
def test_what_no_walk_leads_to_is_refused(session: Session, changes: dict[str, Any], problem: str) -> None:
    require_reachable(session)
    with pytest.raises(CorruptStateError, match=problem):
        require_reachable(session.model_copy(update=changes))


def test_an_imported_session_may_have_skipped_every_phase() -> None:
    require_reachable(completed().model_copy(update={**NOTHING_DONE, "imported_from": "0a1b"}))


def test_differences_are_told_one_for_each_value_and_long_ones_are_shortened() -> None:
    session = in_phase_two()
    later = session.model_copy(update={"current_phase": 1, "checkpoint_note": "n" * 500})
    assert differences(session, session) == ()
    assert differences(session, later) == (
        "current_phase: the log says 2, the file says 1",
        "checkpoint_note: the log says nothing, the file says " + "n" * 119 + "…",
    )
    record = session.record.model_copy(update={"attempt": 7, "started_at": session.record.started_at + timedelta(1)})
    assert [
        one.split(":")[0] for one in differences(session, session.model_copy(update={"phase_history": (record,)}))
    ] == [
        "phase_history.1",
        "phase_history.2.attempt",
        "phase_history.2.started_at",
    ]
    assert differences(machine.apply(session, refusing()(session)), session)
    assert differences(machine.apply(session, toggling(session)), session)
