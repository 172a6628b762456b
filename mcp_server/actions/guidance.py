"""What makes sense next: literal calls, best first, each one legal by the state table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mcp_server.actions.action import Part
from mcp_server.domain import budgeting, machine
from mcp_server.domain.definition import Workflow
from mcp_server.domain.session import GateState, Session, Status

POLL_SECONDS = 15
POLL_FOR_PERSON_SECONDS = 60
"""How long to wait before asking again: for checks, and for a person."""
_WAITING = (GateState.CHECKING, GateState.AWAITING_APPROVAL)
_KNOWING = ("complete_phase", "get_errors", "get_state")
"""The actions whose reply says what the last attempt was refused for."""
_WITHDRAWS = "Until then any other change of the session withdraws the attempt."


class NextAction(Part):
    """A call to make; ``fill`` names the arguments that the assistant has to add."""

    arguments: dict[str, Any]
    fill: list[str] | None = None
    why: str


def next_actions(
    session: Session, workflow: Workflow, *, after: str | None = None, task: int | None = None
) -> list[NextAction]:
    """The calls that make sense now.

    ``after`` is the action that has just been answered: to read the same again makes no sense. ``task`` is the number
    of the task that was read.
    """
    if session.deleted_at is not None:
        return []
    allowed = machine.actions_of(session)
    return [
        NextAction(arguments={"action": action, "session_id": session.session_id, **arguments}, fill=fill, why=why)
        for action, arguments, fill, why in _proposals(session, workflow, after, task)
        if action in allowed or (action not in machine.EVENT_OF_ACTION and _tells_more(action, after, session))
    ]


def reading_on(action: str, asked: Mapping[str, Any], session: Session, cursor: str) -> NextAction:
    """The call that gives the rest of a reply which did not fit; ``asked`` are the arguments of the call so far."""
    if action in machine.EVENT_OF_ACTION or action == "start":
        asked = {"action": "get_phase", "session_id": session.session_id}
    why = "This reply is cut short; read the rest before you go on: what is left out here looks empty."
    return NextAction(arguments={**asked, "cursor": cursor}, why=why)


def _tells_more(action: str, after: str | None, session: Session) -> bool:
    """Whether a reading action tells more than the one that has just been done."""
    return action != after or action == "get_task" or session.gate in _WAITING


_Proposal = tuple[str, dict[str, Any], list[str] | None, str]


def _proposals(session: Session, workflow: Workflow, after: str | None, task: int | None) -> Iterator[_Proposal]:
    match session.session_status:
        case Status.ACTIVE if after == "get_state" and _wants_work(session):
            # Who asks for the state may have lost the phase too, and without it no evidence can be written.
            yield "get_phase", {}, None, "Read the phase: instructions, tasks, and the form of its evidence."
        case Status.ACTIVE:
            yield from _active(session, workflow, after, task)
        case Status.PAUSED:
            yield "resume", {}, None, "Go on, when what it was paused for is settled."
        case Status.FAILED:
            yield "get_errors", {}, None, "Read what each attempt was refused for."
            yield "retry_phase", {"phase": session.current_phase}, None, "Begin the phase again, with new attempts."
            if session.current_phase != session.phases[0]:
                yield "rollback", {}, ["to_phase"], "Go back, if an earlier phase was the cause."
        case Status.COMPLETED:
            yield "get_session", {}, None, "Read the whole record: phases, attempts, durations."
            yield "rollback", {}, ["to_phase"], "Only if a result has to change: open its phase again."


def _wants_work(session: Session) -> bool:
    """Whether the phase waits for the assistant's work, and for nothing and nobody else."""
    return session.gate in (GateState.OPEN, GateState.REFUSED) and not session.escalated


def _active(session: Session, workflow: Workflow, after: str | None, task: int | None) -> Iterator[_Proposal]:
    phase = session.current_phase
    following = _task_after(workflow, phase, task)
    if task is not None and following is not None:
        yield "get_task", {"phase": phase, "task_number": following}, None, "Read the next task when this one is done."
        return
    if session.gate is not GateState.OPEN:
        yield from _held(session, workflow, after)
        return
    if task is None and session.record.refused and after not in (*_KNOWING, "retry_phase"):
        yield "get_errors", {}, None, "Read what earlier attempts at this phase were refused for."
    if following is not None:
        yield "get_task", {"phase": phase, "task_number": following}, None, "Read the phase's first task."
    yield _submitting(session, workflow, "When its tasks are done")


def _held(session: Session, workflow: Workflow, after: str | None) -> Iterator[_Proposal]:
    """What to do where an attempt is under way, or came to something else than a pass."""
    if session.gate in (GateState.REFUSED, GateState.BLOCKED) and after not in _KNOWING:
        yield "get_errors", {}, None, "Read what the gate said to the last attempt."
    match session.gate:
        case GateState.REFUSED if session.escalated:
            why = "The gate said the same twice: ask the person, and pause until they have answered."
            yield "pause", {}, ["checkpoint_note"], why
            yield _submitting(session, workflow, "When they have answered and the work is different")
        case GateState.REFUSED:
            yield _submitting(session, workflow, "When all that was refused is put right")
            yield "get_phase", {}, None, "Read the phase again."
        case GateState.BLOCKED:
            why = "Only a person can unblock the gate: tell them, and pause until they have."
            yield "pause", {}, ["checkpoint_note"], why
            yield _submitting(session, workflow, "When it is unblocked")
        case GateState.CHECKING:
            why = f"The server runs the checks: look again after {POLL_SECONDS} s. {_WITHDRAWS}"
            yield "get_phase", {}, None, why
        case GateState.AWAITING_APPROVAL:
            command = f"pos-workflow approve {session.session_id}"
            why = f"Tell the person to run `{command}` (or `reject`), and look again when they have. {_WITHDRAWS}"
            yield "get_phase", {}, None, why
        case _:
            yield _submitting(session, workflow, "The last attempt came to no verdict and does not count")


def _submitting(session: Session, workflow: Workflow, when: str) -> _Proposal:
    """The call that hands the evidence in; at a gate that asks for none it is complete."""
    phase = session.current_phase
    if _asks_for_none(session, workflow):
        return (
            "complete_phase",
            {"phase": phase, "evidence": {}},
            None,
            f"{when}: call this as it is; the gate asks for no evidence.",
        )
    why = f"{when}: submit all the evidence that the checkpoint asks for."
    return "complete_phase", {"phase": phase}, ["evidence"], why


def _asks_for_none(session: Session, workflow: Workflow) -> bool:
    phase = workflow.phase(session.current_phase)
    if phase is None or phase.gate.problem is not None or phase.gate.rules:
        return False
    asked = any(field.from_check is None for field in phase.gate.fields)
    return not asked and not budgeting.unreported(session, workflow, frozenset())


def _task_after(workflow: Workflow, phase: int, task: int | None) -> int | None:
    current = workflow.phase(phase)
    numbers = [one.number for one in current.tasks] if current else []
    return next((number for number in numbers if task is None or number > task), None)


def attempts_left(session: Session, workflow: Workflow) -> int | None:
    """The refusals that the current gate still allows; None where it sets no limit or is not waited for."""
    phase = workflow.phase(session.current_phase)
    if phase is None or not phase.gate.max_attempts or session.session_status is Status.COMPLETED:
        return None
    return max(0, phase.gate.max_attempts - session.record.refused)
