"""Where a session stands in words: what a fresh assistant, or a person, needs to go on."""

from __future__ import annotations

import json

from mcp_server.actions.paging import clipped
from mcp_server.domain.definition import Workflow
from mcp_server.domain.session import GateState, Session, Status

WORDS = 150
BYTES = 3_000
REFUSAL_WORDS, OPTION_WORDS = 40, 15
PHASES_SHOWN = 10
"""What of a summary these may take; a note has what is left."""


def summary(session: Session, workflow: Workflow, refusal: str | None = None) -> str:
    """What a fresh assistant needs to go on, in at most 150 words; what can be done without comes last.

    ``refusal`` is what the last attempt in this phase fell short of, in words.
    """
    position = session.phases.index(session.current_phase) + 1
    phase = workflow.phase(session.current_phase)
    title = f" '{words(phase.title, 15)}'" if phase else ""
    target = words(clipped(session.target_file, 300), 10)
    parts = [
        f"{words(workflow.name, 8)} on {target}: {session.session_status}.",
        f"Phase {session.current_phase}{title} {_verb(session)}, {position} of {len(session.phases)}.",
        f"Completed: {_numbers(session.completed_phases) or 'none'}.",
    ]
    if session.skipped_phases:
        parts.append(f"Skipped: {_numbers(session.skipped_phases)}.")
    if session.overridden_phases:
        parts.append(f"Overridden by a person: {_numbers(session.overridden_phases)}.")
    if refusal:
        parts.append(words(refusal, REFUSAL_WORDS))
    elif session.gate in (GateState.REFUSED, GateState.BLOCKED):
        parts.append(f"Its gate was {session.gate} at attempt {session.record.attempt}; get_errors says why.")
    if session.gate in (GateState.INTERRUPTED, GateState.EXPIRED):
        parts.append(f"Its last attempt was {session.gate}, without a verdict.")
    parts.append(_how_to_go_on(session))
    if options := _options(session):
        parts.append(f"Options: {options}.")
    if session.checkpoint_note:
        parts.append(f'Note left at the last pause: "{session.checkpoint_note}"')
    return clipped(words(" ".join(parts), WORDS), BYTES)


def words(text: str, limit: int) -> str:
    """At most so many words of a text, in one line, and never more than a long word's worth each."""
    found = text.split()
    return clipped(" ".join(found if len(found) <= limit else [*found[: limit - 1], "…"]), 20 * limit)


def _verb(session: Session) -> str:
    return "was the last" if session.session_status is Status.COMPLETED else "is current"


def _numbers(phases: tuple[int, ...]) -> str:
    """The numbers of phases; of many the first ones."""
    shown = ", ".join(map(str, phases[:PHASES_SHOWN]))
    return f"{shown} and {len(phases) - PHASES_SHOWN} more" if len(phases) > PHASES_SHOWN else shown


def _options(session: Session) -> str:
    """What the session was started with, as far as it is short."""
    short = (
        f"{name}={item.value if isinstance(item.value, str) else json.dumps(item.value, ensure_ascii=False)}"
        for name, item in session.options.items.items()
        if item.stored is None
    )
    return words(", ".join(short), OPTION_WORDS)


def _how_to_go_on(session: Session) -> str:
    match session.session_status:
        case Status.ACTIVE:
            return _with_the_gate(session)
        case Status.PAUSED:
            return "Call resume to go on."
        case Status.FAILED if session.reopen == "person":
            return "Its attempts are used up; only the person can open it again (`pos-workflow reopen`): ask them."
        case Status.FAILED:
            return "Its attempts are used up: read get_errors before retry_phase or rollback."
        case Status.COMPLETED:
            return "Nothing is left to do."


def _with_the_gate(session: Session) -> str:
    kept = f"kept as a draft (get_session with phase {session.current_phase})"
    match session.gate:
        case GateState.CHECKING:
            return "The server runs the gate's checks: look again later (get_phase)."
        case GateState.AWAITING_APPROVAL:
            command = f"pos-workflow approve {session.session_id}"
            return f"It waits for a person: ask them to run `{command}`, then look again (get_phase)."
        case GateState.BLOCKED:
            return f"A person has to mend the gate: tell them, and pause until then. What was submitted is {kept}."
        case _ if session.escalated:
            return "The gate said the same twice: ask the person, and pause until they have answered."
        case _ if session.draft is None:
            return "Do the phase's tasks (get_phase, get_task), then complete_phase with the evidence."
        case _ if session.draft.outstanding:
            return (
                "Do what is outstanding, then complete_phase with all of the evidence, not only that; what was "
                f"submitted last is {kept}."
            )
        case _:
            return f"Evidence submitted here before is {kept}: submit all of it again, with what has changed."
