"""What makes sense next: literal calls, best first, each one legal by the state table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcp_server.actions.action import Part
from mcp_server.domain import machine
from mcp_server.domain.definition import Workflow
from mcp_server.domain.session import GateState, Session, Status

POLL_SECONDS = 15
POLL_FOR_PERSON_SECONDS = 60
"""How long to wait before asking again: for checks, and for a person."""
_WAITING = (GateState.CHECKING, GateState.AWAITING_APPROVAL)


class NextAction(Part):
    """A call to make; ``fill`` names the arguments that the assistant has to add."""

    arguments: dict[str, Any]
    fill: list[str] | None = None
    why: str


def next_actions(
    session: Session, workflow: Workflow, *, after: str | None = None, task: int | None = None
) -> list[NextAction]:
    """The calls that make sense now.

    ``after`` is the action that has just been done: to read the same again makes no sense. ``task`` is the number of
    the task that was read.
    """
    if session.deleted_at is not None:
        return []
    allowed = machine.actions_of(session)
    return [
        NextAction(arguments={"action": action, "session_id": session.session_id, **arguments}, fill=fill, why=why)
        for action, arguments, fill, why in _proposals(session, workflow, after, task)
        if action in allowed or (action not in machine.EVENT_OF_ACTION and _tells_more(action, after, session))
    ]


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
            yield from _active(session, workflow, task)
        case Status.PAUSED:
            yield "resume", {}, None, "Go on where the session was paused."
        case Status.FAILED:
            yield "get_errors", {}, None, "Read what every attempt got wrong."
            yield "retry_phase", {"phase": session.current_phase}, None, "Begin the phase again, with new attempts."
            yield "rollback", {}, ["to_phase"], "Go back when an earlier phase was the cause."
        case Status.COMPLETED:
            yield "get_session", {}, None, "Read the whole record: phases, attempts, durations."
            yield "rollback", {}, ["to_phase"], "Open a phase again when its result has to change."


def _wants_work(session: Session) -> bool:
    """Whether the phase waits for the assistant's work, and for nothing and nobody else."""
    return session.gate in (GateState.OPEN, GateState.REFUSED) and not session.escalated


def _active(session: Session, workflow: Workflow, task: int | None) -> Iterator[_Proposal]:
    phase = session.current_phase
    following = _task_after(workflow, phase, task)
    if following is not None and (task is not None or session.gate is GateState.OPEN):
        why = "Read the phase's first task." if task is None else "Read the next task when this one is done."
        yield "get_task", {"phase": phase, "task_number": following}, None, why
    match session.gate:
        case GateState.REFUSED if session.escalated:
            why = "The gate said the same twice: ask the person, and pause until they have answered."
            yield "pause", {}, ["checkpoint_note"], why
            why = "When the person has answered and the work is another: submit all the evidence again."
            yield "complete_phase", {"phase": phase}, ["evidence"], why
        case GateState.REFUSED:
            named = "missing_evidence, validation_errors and failed_checks"
            why = f"Mend what {named} name, then submit all the evidence again."
            yield "complete_phase", {"phase": phase}, ["evidence"], why
            yield "get_phase", {}, None, "Read the phase and its checkpoint again."
        case GateState.BLOCKED:
            yield "pause", {}, ["checkpoint_note"], "A person has to mend the gate: tell them, and pause until then."
            why = "When it has been mended: submit the evidence again."
            yield "complete_phase", {"phase": phase}, ["evidence"], why
        case GateState.CHECKING:
            why = f"The server runs the checks: after {POLL_SECONDS} s look how the gate stands."
            yield "get_phase", {}, None, why
            yield "get_errors", {}, None, "Once gate says refused: what they found."
        case GateState.AWAITING_APPROVAL:
            command = f"pos-workflow approve {session.session_id}"
            why = f"A person has to decide: tell them to run `{command}`, then look after {POLL_FOR_PERSON_SECONDS} s."
            yield "get_phase", {}, None, why
            yield "get_errors", {}, None, "Once gate says refused: what they said no to."
        case GateState.INTERRUPTED | GateState.EXPIRED:
            why = "The last attempt came to no verdict and does not count: submit the evidence again."
            yield "complete_phase", {"phase": phase}, ["evidence"], why
        case _:
            why = "When the phase's tasks are done: submit the evidence that its checkpoint asks for."
            yield "complete_phase", {"phase": phase}, ["evidence"], why


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
