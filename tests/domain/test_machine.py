"""The table of states, cell by cell, and every legal path through it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_server.domain import machine
from mcp_server.domain.authority import Authority
from mcp_server.domain.checks import Budget
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
    SessionStarted,
    SessionUndeleted,
    Skipped,
    WorkflowCompleted,
    WorkflowOverridden,
)
from mcp_server.domain.frozen import Stored
from mcp_server.domain.machine import (
    AWAITING,
    BLOCKED,
    CHECKING,
    COMPLETED,
    EXPIRED,
    FAILED,
    GONE,
    INTERRUPTED,
    OPEN,
    PAUSED,
    REFUSED,
    State,
)
from mcp_server.domain.results import Decision
from mcp_server.domain.session import DefinitionRef, Evidence, Item, Session, Usage
from mcp_server.errors import StateError

pytestmark = pytest.mark.unit

START = datetime(2026, 1, 1, tzinfo=UTC)
EVIDENCE = Evidence(items={"count": Item(value=3)})
DEFINITION = DefinitionRef(digest="0" * 64, version="1", name="Two phases", source="project")


def at(session: Session) -> datetime:
    return session.last_updated + timedelta(seconds=10)


def started(phases: tuple[int, ...] = (1, 2), skipping: int = 0) -> Session:
    return machine.begin(
        SessionStarted(
            at=START,
            session_id="s",
            workflow_type="w",
            target_file=".",
            definition=DEFINITION,
            phases=phases,
            first_phase=phases[skipping],
            options=Evidence(),
            skipped=tuple(Skipped(phase=phase, condition="'small' in options") for phase in phases[:skipping]),
        )
    )


def decision(session: Session) -> Decision:
    return Decision(at=at(session), authority=Authority(), note="looked at it")


def attempt_of(session: Session) -> int:
    return session.under_way.attempt if session.under_way else session.record.attempt + 1


def attempted(session: Session) -> dict[str, Any]:
    return {
        "at": at(session),
        "phase": session.current_phase,
        "attempt": attempt_of(session),
        "evidence": EVIDENCE,
    }


def refusal(kind: type[GateRefused | AttemptsExhausted | GateSentBack], session: Session, **more: Any) -> Event:
    told = {"missing": ("name",), "findings": (), "outstanding": ("name",), "fingerprint": "f"}
    return kind(**attempted(session), **told, **more)


def begun(session: Session) -> Event:
    return AttemptBegun(**attempted(session), run="0" * 32, fingerprint="f")


def asked(session: Session) -> Event:
    return ApprovalRequested(**attempted(session), run="0" * 32, expires_at=at(session) + timedelta(hours=1))


def ended(kind: type[AttemptInterrupted | AttemptExpired], session: Session) -> Event:
    return kind(at=at(session), phase=session.current_phase, attempt=attempt_of(session), reason="it is gone")


def overridden(session: Session) -> Event:
    event = passed(session)
    facts: dict[str, Any] = {**event.model_dump(exclude={"type", "evidence"}), "evidence": EVIDENCE}
    facts |= {"basis": "overridden", "decision": decision(session)}
    kind = PhaseOverridden if isinstance(event, PhaseCompleted) else WorkflowOverridden
    return kind(**facts)


def repinned(session: Session) -> Event:
    definition = DEFINITION.model_copy(update={"digest": "1" * 64})
    return Repinned(at=at(session), definition=definition, phases=session.phases, decision=decision(session))


def blocked(session: Session) -> Event:
    return GateBlocked(
        at=at(session),
        phase=session.current_phase,
        attempt=session.record.attempt + 1,
        evidence=EVIDENCE,
        blocked_by=("checks",),
        outstanding=(),
    )


def passed(session: Session, skipping: int = 0) -> Event:
    following = session.phases[session.phases.index(session.current_phase) + 1 :]
    facts: dict[str, Any] = {
        "at": at(session),
        "phase": session.current_phase,
        "attempt": attempt_of(session),
        "evidence": EVIDENCE,
        "basis": "attested",
        "skipped": tuple(Skipped(phase=phase, condition="'small' in options") for phase in following[:skipping]),
    }
    if following[skipping:]:
        return PhaseCompleted(**facts, next_phase=following[skipping])
    return WorkflowCompleted(**facts)


def rolled_back(session: Session) -> Event:
    return RolledBack(at=at(session), from_phase=session.current_phase, to_phase=session.phases[0])


STEPS: dict[str, Callable[[Session], Event]] = {
    "passed": passed,
    "passed_over": lambda session: passed(session, skipping=1),
    "refused": lambda session: refusal(GateRefused, session),
    "exhausted": lambda session: refusal(AttemptsExhausted, session),
    "blocked": blocked,
    "pause": lambda session: Paused(at=at(session), note="later"),
    "resume": lambda session: Resumed(at=at(session), paused_seconds=10),
    "retry": lambda session: PhaseRetried(at=at(session), phase=session.current_phase),
    "reopen": lambda session: PhaseReopened(at=at(session), phase=session.current_phase, reason="looked at it"),
    "rollback": rolled_back,
    "delete": lambda session: SessionDeleted(at=at(session)),
    "begin": begun,
    "ask": asked,
    "interrupt": lambda session: ended(AttemptInterrupted, session),
    "lapse": lambda session: ended(AttemptExpired, session),
    "sent_back": lambda session: refusal(GateSentBack, session, to_phase=session.phases[0]),
    "override": overridden,
    "repin": repinned,
}

IN_STATE: dict[str, tuple[State, list[str]]] = {
    "open": (OPEN, []),
    "refused": (REFUSED, ["refused"]),
    "blocked": (BLOCKED, ["blocked"]),
    "paused": (PAUSED, ["pause"]),
    "failed": (FAILED, ["exhausted"]),
    "completed": (COMPLETED, ["passed", "passed"]),
    "checking": (CHECKING, ["begin"]),
    "awaiting": (AWAITING, ["begin", "ask"]),
    "interrupted": (INTERRUPTED, ["begin", "interrupt"]),
    "expired": (EXPIRED, ["begin", "ask", "lapse"]),
}

ACTIVE = {
    "passed": OPEN,
    "passed_over": COMPLETED,
    "refused": REFUSED,
    "exhausted": FAILED,
    "blocked": BLOCKED,
    "pause": PAUSED,
    "retry": OPEN,
    "rollback": OPEN,
    "delete": GONE,
    "begin": CHECKING,
    "sent_back": OPEN,
    "override": OPEN,
    "repin": OPEN,
}
EXPECTED: dict[str, dict[str, State | None]] = {
    "open": ACTIVE,
    "refused": ACTIVE,
    "blocked": ACTIVE,
    "paused": {"resume": OPEN, "repin": PAUSED, "delete": GONE},
    "failed": {"retry": OPEN, "reopen": OPEN, "rollback": OPEN, "override": OPEN, "repin": FAILED, "delete": GONE},
    "completed": {"rollback": OPEN, "delete": GONE},
    "checking": {**ACTIVE, "ask": AWAITING, "interrupt": INTERRUPTED},
    "awaiting": {**ACTIVE, "lapse": EXPIRED},
    "interrupted": ACTIVE,
    "expired": ACTIVE,
}
"""The contract's table, written out a second time by hand."""

CELLS = [(state, step) for state in IN_STATE for step in STEPS]


def walk(*steps: str) -> Session:
    session = started()
    for step in steps:
        session = machine.apply(session, STEPS[step](session))
    return session


@pytest.mark.parametrize(("state", "step"), CELLS)
def test_each_cell_of_the_table_is_as_the_contract_has_it(state: str, step: str) -> None:
    expected_state, path = IN_STATE[state]
    session = walk(*path)
    assert machine.state_of(session) == expected_state
    if step not in EXPECTED[state]:
        before = session.model_dump()
        with pytest.raises(StateError) as refused:
            machine.apply(session, STEPS[step](session))
        assert refused.value.facts["current_phase"] == session.current_phase
        assert session.model_dump() == before
        return
    after = machine.apply(session, STEPS[step](session))
    expected = EXPECTED[state][step]
    if expected is GONE:
        assert after.deleted_at is not None
    else:
        assert machine.state_of(after) == expected
    assert after.version == session.version + 1


def test_every_legal_path_to_depth_seven_keeps_the_invariants() -> None:
    walked = 0
    frontier = [started((0, 1, 3))]
    for _ in range(7):
        following: list[Session] = []
        for session in frontier:
            for step in STEPS.values():
                try:
                    after = machine.apply(session, step(session))
                except StateError:
                    continue
                walked += 1
                assert_sound(session, after)
                if after.deleted_at is None:
                    following.append(after)
        # Sessions that differ in their times alone walk on alike.
        frontier = list({fingerprint(session): session for session in following}.values())
    assert walked > 1000


def fingerprint(session: Session) -> str:
    history = [(one.phase, one.status, one.attempt, one.refused) for one in session.phase_history]
    standing = session.under_way is None
    parts = (machine.state_of(session), session.current_phase, session.completed_phases, history, session.draft)
    return repr((*parts, standing))


def assert_sound(before: Session, after: Session) -> None:
    assert after.version == before.version + 1
    assert after.last_updated >= before.last_updated
    assert after.current_phase in after.phases
    assert set(after.artifacts) == set(after.completed_phases)
    assert not set(after.completed_phases) & set(after.skipped_phases)
    assert all(phase <= after.current_phase for phase in after.completed_phases)
    assert (after.gate is not None) == (after.session_status == "active")
    assert (after.completed_at is not None) == (after.session_status == "completed")
    assert len(after.phase_history) >= len(before.phase_history)
    assert all(after.record_of(old.phase).attempt >= old.attempt for old in before.phase_history)
    assert machine.state_of(after) in machine.TABLE
    assert (after.under_way is not None) == (machine.state_of(after) in (CHECKING, AWAITING))
    running = after.session_status == "active" and after.deleted_at is None
    assert (after.active_since is not None) == running
    assert after.active_seconds >= before.active_seconds


def test_allowed_actions_are_read_off_the_table() -> None:
    assert machine.allowed_actions(PAUSED) == ("resume", "delete_session")
    assert machine.allowed_actions(OPEN) == ("complete_phase", "pause", "retry_phase", "rollback", "delete_session")
    assert machine.allowed_actions(FAILED) == ("retry_phase", "rollback", "delete_session")
    assert machine.allowed_actions(COMPLETED) == ("rollback", "delete_session")


def test_an_event_of_another_phase_is_refused() -> None:
    session = started()
    with pytest.raises(StateError, match="current phase is 1"):
        machine.apply(session, PhaseRetried(at=START, phase=2))


def test_a_started_session_is_not_started_again() -> None:
    session = started()
    event = SessionStarted(
        at=START,
        session_id="s",
        workflow_type="w",
        target_file=".",
        definition=DEFINITION,
        phases=(1,),
        first_phase=1,
        options=Evidence(),
    )
    with pytest.raises(StateError, match="already been started"):
        machine.apply(session, event)


def test_the_last_phase_completes_the_session_and_stays_current() -> None:
    session = walk("passed", "passed")
    assert session.current_phase == 2
    assert session.completed_phases == (1, 2)
    assert session.completed_at is not None


def test_retry_from_failed_starts_the_count_anew_and_keeps_the_total() -> None:
    session = walk("refused", "exhausted", "retry")
    assert session.record.refused == 0
    assert session.record.attempt == 2


def test_retry_of_an_active_phase_keeps_the_count() -> None:
    assert walk("refused", "retry").record.refused == 1


def test_rolling_back_and_coming_again_does_not_buy_attempts() -> None:
    session = walk("passed", "refused", "rollback", "passed")
    assert session.current_phase == 2
    assert session.record.refused == 1


def test_rollback_keeps_the_evidence_of_its_target_as_a_draft_and_clears_what_came_after() -> None:
    session = walk("passed", "passed", "rollback")
    assert session.current_phase == 1
    assert session.draft is not None
    assert session.draft.evidence == EVIDENCE
    assert session.artifacts == {}
    assert session.record_of(2).status == "rolled_back"
    assert session.completed_at is None


def test_retry_can_forget_the_draft() -> None:
    session = walk("refused")
    kept = machine.apply(session, PhaseRetried(at=at(session), phase=1))
    assert kept.draft == session.draft
    forgotten = machine.apply(session, PhaseRetried(at=at(session), phase=1, reset_evidence=True))
    assert forgotten.draft is None


def test_durations_leave_pauses_out() -> None:
    session = walk("pause", "resume", "passed")
    assert session.record_of(1).duration_seconds == pytest.approx(20)


def test_a_clock_set_back_never_takes_last_updated_back() -> None:
    session = started()
    after = machine.apply(session, Paused(at=START - timedelta(days=1)))
    assert after.last_updated == START


def test_usage_adds_up_over_attempts() -> None:
    session = started()
    for _ in range(2):
        event = refusal(GateRefused, session)
        session = machine.apply(session, event.model_copy(update={"usage": Usage(tokens=5, cost_usd=0.5)}))
    assert session.usage == Usage(tokens=10, cost_usd=1.0)


def test_a_deleted_session_takes_nothing_but_being_undeleted() -> None:
    session = walk("delete")
    with pytest.raises(StateError):
        machine.apply(session, Paused(at=at(session)))
    restored = machine.apply(session, SessionUndeleted(at=at(session)))
    assert restored.deleted_at is None
    assert machine.state_of(restored) == OPEN


def test_an_accepted_seal_takes_the_session_as_it_was_found() -> None:
    session = started()
    found = session.model_copy(update={"current_phase": 2})
    after = machine.apply(session, SealAccepted(at=at(session), finding="edited", session=found))
    assert after.current_phase == 2
    assert after.version == session.version + 1


def test_a_phase_that_was_never_entered_has_no_record() -> None:
    with pytest.raises(KeyError):
        started().record_of(2)


def test_a_phase_that_was_passed_is_named_as_such() -> None:
    with pytest.raises(StateError, match="Phase 1 is completed, since attempt 2; the current phase is 2"):
        machine.require_phase(walk("refused", "passed"), "complete_phase", 1)


def statuses(session: Session) -> list[tuple[int, str]]:
    return [(record.phase, record.status) for record in session.phase_history]


def test_skipped_phases_are_recorded_and_are_not_completed() -> None:
    session = started((1, 2, 3, 4))
    session = machine.apply(session, passed(session, skipping=2))
    assert (session.current_phase, session.completed_phases, session.skipped_phases) == (4, (1,), (2, 3))
    assert statuses(session) == [(1, "completed"), (2, "skipped"), (3, "skipped"), (4, "in_progress")]
    assert session.record_of(2).started_at == session.last_updated
    assert session.record_of(2).completed_at is None


def test_a_session_can_begin_after_phases_that_are_skipped() -> None:
    session = started((0, 1, 3), skipping=2)
    assert (session.current_phase, session.completed_phases, session.skipped_phases) == (3, (), (0, 1))
    assert statuses(session) == [(0, "skipped"), (1, "skipped"), (3, "in_progress")]


def test_skipping_the_last_phase_completes_the_session_and_it_stays_current() -> None:
    session = walk("passed_over")
    assert (session.session_status, session.current_phase) == ("completed", 2)
    assert (session.completed_phases, session.skipped_phases) == ((1,), (2,))
    assert session.completed_at is not None


def test_rolling_back_to_a_skipped_phase_opens_it() -> None:
    session = walk("passed_over")
    opened = machine.apply(session, RolledBack(at=at(session), from_phase=2, to_phase=2))
    assert machine.state_of(opened) == OPEN
    assert (opened.current_phase, opened.completed_phases, opened.skipped_phases) == (2, (1,), ())
    assert opened.draft is None
    assert statuses(opened) == [(1, "completed"), (2, "in_progress")]


def test_rolling_back_before_a_skipped_phase_leaves_it_open_whether_it_is_skipped_again() -> None:
    session = walk("passed_over", "rollback")
    assert statuses(session) == [(1, "in_progress"), (2, "rolled_back")]
    assert statuses(machine.apply(session, passed(session))) == [(1, "completed"), (2, "in_progress")]
    assert statuses(machine.apply(session, passed(session, skipping=1))) == [(1, "completed"), (2, "skipped")]


def test_a_phase_that_is_skipped_later_keeps_its_counts() -> None:
    session = walk("passed", "refused", "rollback", "passed_over")
    assert (session.record_of(2).status, session.record_of(2).attempt, session.record_of(2).refused) == (
        "skipped",
        1,
        1,
    )


def test_a_phase_that_was_skipped_is_named_as_such() -> None:
    session = started((1, 2, 3), skipping=1)
    with pytest.raises(StateError, match="Phase 1 was skipped; the current phase is 2\\."):
        machine.require_phase(session, "complete_phase", 1)


def test_an_escalation_ends_with_what_is_done_about_it() -> None:
    session = walk("refused")
    event = refusal(GateRefused, session).model_copy(update={"escalate": True})
    escalated = machine.apply(session, event)
    assert escalated.escalated
    for step in ("passed", "retry", "rollback", "refused"):
        assert not machine.apply(escalated, STEPS[step](escalated)).escalated


def test_an_attempt_is_under_way_until_something_else_happens() -> None:
    session = walk("begin")
    assert session.under_way is not None
    assert (session.under_way.attempt, session.record.attempt) == (1, 1)
    for step in ("passed", "refused", "exhausted", "blocked", "pause", "retry", "rollback", "delete", "interrupt"):
        assert machine.apply(session, STEPS[step](session)).under_way is None


def test_the_verdict_on_an_attempt_is_on_the_attempt_that_was_begun() -> None:
    assert walk("begin", "refused").record.attempt == 1
    assert walk("begin", "ask", "passed").record_of(1).attempt == 1
    assert walk("begin", "interrupt", "begin").record.attempt == 2


def test_new_evidence_takes_the_place_of_an_attempt_that_is_under_way() -> None:
    session = walk("begin")
    event = begun(session).model_copy(update={"run": "1" * 32, "attempt": 2})
    after = machine.apply(session, event)
    assert after.under_way is not None
    assert (after.under_way.run, after.record.attempt) == ("1" * 32, 2)


def test_what_the_server_saw_is_kept_while_a_person_is_waited_for() -> None:
    session = walk("begin", "ask")
    assert session.under_way is not None
    assert session.under_way.expires_at == session.last_updated + timedelta(hours=1)
    assert session.draft is not None


def test_a_refusal_that_sends_back_counts_and_goes_back() -> None:
    session = walk("passed", "sent_back")
    assert (session.current_phase, machine.state_of(session)) == (1, OPEN)
    assert session.record_of(2).refused == 1
    assert session.record_of(2).status == "rolled_back"


def test_a_phase_that_a_person_let_go_is_overridden() -> None:
    for path in (("override",), ("exhausted", "override"), ("begin", "ask", "override")):
        session = walk(*path)
        assert (session.current_phase, session.record_of(1).basis) == (2, "overridden")


def test_overriding_the_last_phase_completes_the_session() -> None:
    session = walk("passed", "exhausted", "override")
    assert (session.session_status, session.record_of(2).basis) == ("completed", "overridden")


def test_a_repinned_session_stays_where_it_is_with_another_definition() -> None:
    session = walk("passed", "refused", "repin")
    assert (session.current_phase, session.definition.digest) == (2, "1" * 64)
    assert session.record.refused == 1


def test_the_baseline_of_a_phase_is_taken_when_it_is_entered_and_kept_by_retry_and_rollback() -> None:
    kept = Stored(sha256="2" * 64, bytes=2)
    session = started()
    session = machine.apply(session, passed(session).model_copy(update={"baseline": kept}))
    assert session.baselines == {2: kept}
    for step in ("retry", "refused", "rollback"):
        assert machine.apply(session, STEPS[step](session)).baselines == {2: kept}
    back = machine.apply(session, rolled_back(session))
    other = passed(back).model_copy(update={"baseline": Stored(sha256="3" * 64, bytes=2)})
    assert machine.apply(back, other).baselines == {2: kept}


def test_a_budget_is_raised_in_any_state_and_changes_nothing_else() -> None:
    for path in ((), ("begin",), ("pause",), ("exhausted",), ("passed", "passed")):
        session = walk(*path)
        event = BudgetRaised(at=at(session), budget=Budget(max_tokens=5), decision=decision(session))
        after = machine.apply(session, event)
        assert after.budget == Budget(max_tokens=5)
        assert (machine.state_of(after), after.under_way) == (machine.state_of(session), session.under_way)


def test_time_counts_while_the_session_is_active() -> None:
    session = walk("pause", "resume", "passed", "exhausted")
    assert session.active_seconds == pytest.approx(30)
    assert session.active_seconds_at(session.last_updated + timedelta(days=1)) == pytest.approx(30)
    running = walk("pause", "resume")
    assert running.active_seconds_at(running.last_updated + timedelta(seconds=5)) == pytest.approx(15)
